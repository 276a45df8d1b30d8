"""Running what was assembled: one process, one event loop, one task group."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from exporter import __version__
from exporter.app.assembly import USER_AGENT, assemble
from exporter.app.leaving import fail_when_stopped, look_up_names_apart, stop_event
from exporter.app.listening import url_of
from exporter.app.once import poll_once, warn_of_jobs_not_reached
from exporter.app.projects import state_key_of
from exporter.exposition import Form
from exporter.llamacloud.connections import open_connections
from exporter.llamacloud.proxies import Proxies
from exporter.server import Limits, Server, connections_within, raise_open_files_limit
from exporter.standard_streams import write_output
from exporter.state import load_state
from exporter.web import build_app

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Mapping

    from exporter.app.assembly import Exporter
    from exporter.config import Settings
    from exporter.llamacloud.connections import Connections
    from exporter.log_writer import LogWriter
    from exporter.redaction import Secrets
    from exporter.signals import Signals
    from exporter.state import LoadedState

# The publishing thread computes for tenths of a second: the loop gets its turn so soon.
_SWITCH_THREADS_WITHIN_SECONDS = 0.001
# Standard streams, listening sockets, the loop's own, look-ups of names, and some to spare.
_FILES_OF_ITS_OWN = 48

log = structlog.get_logger("exporter")


async def serve(
    settings: Settings,
    secrets: Secrets,
    sockets: list[socket.socket],
    signals: Signals,
    log_writer: LogWriter,
    *,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Poll and serve until SIGTERM or SIGINT; a bug in any task raises.

    ``environ`` names proxies.
    """
    stop = stop_event(signals)
    sys.setswitchinterval(_SWITCH_THREADS_WITHIN_SECONDS)
    look_up_names_apart(len(settings.projects))
    async with _connections(settings, environ) as connections:
        loaded = _loaded(settings)
        exporter = assemble(settings, connections, secrets, log_writer, loaded=loaded)
        await exporter.publish()
        server = _server(exporter, settings)
        async with asyncio.TaskGroup() as tasks, _saving(exporter, tasks):
            tasks.create_task(server.serve(sockets))
            polling = [tasks.create_task(poller.run()) for poller in exporter.pollers.values()]
            _announce("exporter.listening", settings, sockets)
            telling = tasks.create_task(_tell_when_polled(exporter, settings, sockets))
            await stop.wait()
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


async def demo(
    settings: Settings,
    secrets: Secrets,
    sockets: list[socket.socket],
    signals: Signals,
    log_writer: LogWriter,
) -> None:
    """Serve as always, against the built-in simulator of LlamaCloud."""
    from exporter.app.demo import simulated_projects  # noqa: PLC0415 - only the demo pays for it

    async with simulated_projects() as projects:
        # What is made up is not to be kept.
        state = settings.state.model_copy(update={"file": None})
        simulated = settings.model_copy(update={"projects": projects, "state": state})
        # No proxy leads to the simulator, which is in this process.
        await serve(simulated, secrets, sockets, signals, log_writer, environ={})


async def print_once(
    settings: Settings, secrets: Secrets, signals: Signals, log_writer: LogWriter
) -> bool:
    """Poll every project once, print the exposition, and tell whether all could be listed.

    Raises:
        StandardOutputError: the exposition was not printed, or not all of it.
    """
    fail_when_stopped(signals, log_writer)
    look_up_names_apart(len(settings.projects))
    async with _connections(settings, os.environ) as connections:
        exporter = assemble(settings, connections, secrets, log_writer, of_process=False)
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
    published = exporter.snapshot.published()
    write_output([*published.lines(Form.TEXT), exporter.own_metrics(Form.TEXT)])
    return all(poller.status().listing_works for poller in pollers.values())


def connections_of(settings: Settings, proxies: Proxies) -> Connections:
    """Open the connections that the projects need.

    Raises:
        BadEnvironmentError: the environment's proxies or certificates cannot be used for them.
    """
    return open_connections(
        USER_AGENT,
        base_urls=[project.base_url for project in settings.projects],
        proxies=proxies,
        tls_strict=settings.api.tls_strict,
    )


def _connections(settings: Settings, environ: Mapping[str, str]) -> Connections:
    proxies = Proxies(environ)
    if ignored := proxies.ignored():
        log.warning("exporter.bad_environment", variables=ignored.variables, advice=ignored.advice)
    return connections_of(settings, proxies)


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
