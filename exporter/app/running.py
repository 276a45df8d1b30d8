"""Running what was assembled: one process, one event loop, one task group."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

import structlog
from starlette.middleware import Middleware

from exporter import __version__
from exporter.app.assembly import assemble
from exporter.app.identity import former_state_keys_of, state_keys_of
from exporter.app.leaving import LookUps, hang_up_event, stop_event
from exporter.app.listening import url_of
from exporter.app.reloading import Reloader
from exporter.app.upstream import logged_connections_of
from exporter.lifecycle import Lifecycle
from exporter.server import Server, limits_within, raise_open_files_limit
from exporter.state import load_state
from exporter.web import build_app

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Mapping

    from exporter.app.assembly import Exporter
    from exporter.app.project_set import ProjectSet
    from exporter.config import Settings
    from exporter.log_writer import LogWriter
    from exporter.redaction import Secrets
    from exporter.signals import Signals
    from exporter.state import LoadedState
    from exporter.web_config.current import CurrentWebConfig

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
    read_again: Callable[[], Settings],
    web_config: CurrentWebConfig | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Poll and serve until SIGTERM or SIGINT; a bug in any task raises.

    ``read_again`` reads the settings for a reload, in a thread. ``environ`` names proxies.
    """
    announcer = Announcer(
        settings, sockets, "https" if web_config and web_config.has_tls else "http"
    )
    stop, hang_up = stop_event(signals), hang_up_event(signals)
    sys.setswitchinterval(_SWITCH_THREADS_WITHIN_SECONDS)
    look_ups = LookUps()
    look_ups.allow_for(len(settings.projects))
    async with logged_connections_of(settings, environ) as connections:
        exporter = assemble(settings, connections, secrets, log_writer, loaded=_loaded(settings))
        await exporter.projects.publish()
        reloader = Reloader(
            settings,
            exporter,
            read=read_again,
            connections=connections,
            secrets=secrets,
            look_ups=look_ups,
            wanted=hang_up,
        )
        server = _server(exporter, settings, reloader, web_config)
        await _run_until(stop, exporter, server, reloader, announcer)


async def _run_until(
    stop: asyncio.Event,
    exporter: Exporter,
    server: Server,
    reloader: Reloader,
    announcer: Announcer,
) -> None:
    async with asyncio.TaskGroup() as tasks, _saving(exporter, tasks):
        tasks.create_task(server.serve(announcer.sockets))
        exporter.projects.start(tasks)
        announcer.announce("exporter.listening", exporter.projects)
        telling = tasks.create_task(_tell_when_polled(exporter, announcer))
        reloading = tasks.create_task(reloader.run())
        await stop.wait()
        server.stop()
        await _cancel(telling, reloading)
        await exporter.projects.stop()


def _loaded(settings: Settings) -> LoadedState | None:
    """Read the state file, if there is to be one."""
    if settings.state.file is None:
        return None
    keys, former = state_keys_of(settings.projects), former_state_keys_of(settings.projects)
    return load_state(settings.state.file, keys.values(), former)


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
    await store.close(exporter.projects.saved())


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _tell_when_polled(exporter: Exporter, announcer: Announcer) -> None:
    """Name the page once more when there is something to see: the log has moved on by then."""
    # Reloads may replace any poller meanwhile.
    while left := [
        is_published
        for poller in exporter.projects.pollers.values()
        if not (is_published := poller.first_poll_is_published).is_set()
    ]:
        await left[0].wait()
    announcer.announce("exporter.first_poll_ended", exporter.projects)


@dataclass(frozen=True, slots=True)
class Announcer:
    """Logs the URLs under which the exporter is reached."""

    settings: Settings
    sockets: list[socket.socket]
    scheme: str

    def announce(self, event: str, projects: ProjectSet) -> None:
        """Log them, and how many projects are polled."""
        for listening in self.sockets:
            log.info(
                event,
                open_in_browser=url_of(listening, scheme=self.scheme),
                metrics=url_of(listening, self.settings.web.telemetry_path, self.scheme),
                version=__version__,
                projects=len(projects.pollers),
            )


def _server(
    exporter: Exporter,
    settings: Settings,
    reloader: Reloader,
    web_config: CurrentWebConfig | None,
) -> Server:
    # What asks LlamaCloud comes first: a poll that finds no socket is a poll that failed.
    upstream = len(settings.projects) * (settings.api.concurrency + 1)
    limits = limits_within(raise_open_files_limit(), others=_FILES_OF_ITS_OWN + upstream)
    # The signal does the rest, in the same way and within the same time.
    stop = partial(os.kill, os.getpid(), SIGTERM)
    lifecycle = Lifecycle(reloader.reload, stop) if settings.web.enable_lifecycle else None
    site = exporter.site(settings.web.telemetry_path, lifecycle)
    if web_config is None:
        return Server(build_app(site), limits)
    from exporter.web_config.gate import GateMiddleware  # noqa: PLC0415 - only who uses it pays for it

    web_config.loaded = exporter.telemetry.web_config_loaded
    app = build_app(site, [Middleware(GateMiddleware, web_config.get)])
    return Server(app, limits, web_config.tls if web_config.has_tls else None)
