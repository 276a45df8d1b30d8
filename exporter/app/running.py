"""Running what was assembled: one process, one event loop, one task group."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from exporter import __version__
from exporter.app.assembly import USER_AGENT, assemble
from exporter.app.leaving import leave_anyway, look_up_names_apart
from exporter.app.listening import url_of
from exporter.app.once import poll_once, warn_of_jobs_not_reached
from exporter.app.projects import state_key_of
from exporter.exposition import Form
from exporter.llamacloud.connections import open_connections
from exporter.server import Limits, Server, connections_within, raise_open_files_limit
from exporter.state import load_state
from exporter.web import build_app

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from exporter.app.assembly import Exporter
    from exporter.config import Settings
    from exporter.redaction import Secrets
    from exporter.state import LoadedState

# The publishing thread computes for tenths of a second: the loop gets its turn so soon.
_SWITCH_THREADS_WITHIN_SECONDS = 0.001
# Standard streams, listening sockets, the loop's own, look-ups of names, and some to spare.
_FILES_OF_ITS_OWN = 48

log = structlog.get_logger("exporter")


async def serve(settings: Settings, secrets: Secrets, sockets: list[socket.socket]) -> None:
    """Poll and serve until SIGTERM or SIGINT; a bug in any task raises."""
    stop = _stop_event()
    sys.setswitchinterval(_SWITCH_THREADS_WITHIN_SECONDS)
    look_up_names_apart(len(settings.projects))
    async with open_connections(USER_AGENT) as connections:
        exporter = assemble(settings, connections, secrets, loaded=_loaded(settings))
        server = _server(exporter, settings)
        async with asyncio.TaskGroup() as tasks, _saving(exporter, tasks):
            await exporter.publish()
            tasks.create_task(server.serve(sockets))
            polling = [tasks.create_task(poller.run()) for poller in exporter.pollers.values()]
            _announce("exporter.listening", settings, sockets)
            telling = tasks.create_task(_tell_when_polled(exporter, settings, sockets))
            await stop.wait()
            log.info("exporter.stopping")
            server.stop()
            await _cancel(*polling, telling)


def _loaded(settings: Settings) -> LoadedState | None:
    """Read the state file, if there is to be one."""
    keys = [state_key_of(project) for project in settings.projects]
    return load_state(settings.state.file, keys) if settings.state.file else None


@asynccontextmanager
async def _saving(exporter: Exporter, tasks: asyncio.TaskGroup) -> AsyncIterator[None]:
    """Write the state file in the meantime, and once more in the end."""
    store = exporter.store
    if store is None:
        yield
        return
    writing = tasks.create_task(store.run())
    yield
    await _cancel(writing)
    await store.close(exporter.saved())


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def demo(settings: Settings, secrets: Secrets, sockets: list[socket.socket]) -> None:
    """Serve as always, against the built-in simulator of LlamaCloud."""
    from exporter.app.demo import simulated_projects  # noqa: PLC0415 - only the demo pays for it

    async with simulated_projects() as projects:
        # What is made up is not to be kept.
        state = settings.state.model_copy(update={"file": None})
        changed = {"projects": projects, "state": state}
        await serve(settings.model_copy(update=changed), secrets, sockets)


async def print_once(settings: Settings, secrets: Secrets) -> bool:
    """Poll every project once, print the exposition, and tell whether all could be listed."""
    look_up_names_apart(len(settings.projects))
    async with open_connections(USER_AGENT) as connections:
        exporter = assemble(settings, connections, secrets)
        pollers, interval = exporter.pollers, settings.poll.interval
        began = exporter.started_monotonic
        async with asyncio.TaskGroup() as tasks:
            polls = {
                name: tasks.create_task(poll_once(poller, interval, began))
                for name, poller in pollers.items()
            }
        await exporter.publish()
    for name, poll in polls.items():
        if not poll.result():
            warn_of_jobs_not_reached(name, pollers[name])
    sys.stdout.buffer.writelines(exporter.snapshot.published().lines(Form.TEXT))
    sys.stdout.buffer.write(exporter.own_metrics(Form.TEXT))
    sys.stdout.flush()
    return all(poller.status().listing_works for poller in pollers.values())


async def _tell_when_polled(
    exporter: Exporter, settings: Settings, sockets: list[socket.socket]
) -> None:
    """Name the page once more when there is something to see: the log has moved on by then."""
    for poller in exporter.pollers.values():
        await poller.first_poll_is_over.wait()
    _announce("exporter.first_poll_ended", settings, sockets)


def _announce(event: str, settings: Settings, sockets: list[socket.socket]) -> None:
    for listening in sockets:
        log.info(
            event,
            open_in_browser=url_of(listening),
            metrics=url_of(listening, settings.web.telemetry_path),
            version=__version__,
            projects=len(settings.projects),
        )


def _stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, stop)
    return stop


def _stop(stop: asyncio.Event) -> None:
    stop.set()
    leave_anyway(0)


def _server(exporter: Exporter, settings: Settings) -> Server:
    limits = Limits()
    # What asks LlamaCloud comes first: a poll that finds no socket is a poll that failed.
    upstream = len(settings.projects) * (settings.api.concurrency + 1)
    possible = connections_within(
        raise_open_files_limit(),
        others=_FILES_OF_ITS_OWN + upstream,
        accepted_at_once=limits.accepted_at_once,
    )
    app = build_app(exporter.site(settings.web.telemetry_path))
    return Server(app, limits.with_connections(possible))
