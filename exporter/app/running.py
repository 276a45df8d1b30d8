"""Running what was assembled: one process, one event loop, one task group."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from functools import partial
from signal import SIGTERM
from typing import TYPE_CHECKING

import structlog
from starlette.middleware import Middleware

from exporter import __version__
from exporter.app.assembly import assemble
from exporter.app.listening import url_of
from exporter.app.reloading import Reloader
from exporter.app.signal_handlers import reload_event, stop_event
from exporter.app.upstream import open_upstream
from exporter.server import Server, limits_within, raise_open_files_limit
from exporter.waiting import cancelled
from exporter.web.lifecycle import Lifecycle
from exporter.web.routes import build_app

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from exporter.app.assembly import Exporter
    from exporter.app.project_set import ProjectSet
    from exporter.app.signals import Signals
    from exporter.config import Settings
    from exporter.logs.redaction import Secrets
    from exporter.logs.writer import LogWriter
    from exporter.web_config.current import CurrentWebConfig

# The publishing thread computes for tenths of a second; the loop gets its turn within this time.
_SWITCH_THREADS_WITHIN_SECONDS = 0.001
# Standard streams, listening sockets, sockets of the event loop, name look-ups, and a reserve.
_FILES_OF_ITS_OWN = 48

log = structlog.get_logger("exporter")


@dataclass(frozen=True, slots=True)
class Serving:
    """The arguments of ``serve``.

    ``read_again`` reads the settings for a reload, in a thread. ``environ`` may name proxies.
    """

    settings: Settings
    secrets: Secrets
    sockets: list[socket.socket]
    signals: Signals
    log_writer: LogWriter
    read_again: Callable[[], Settings]
    environ: Mapping[str, str]
    web_config: CurrentWebConfig | None = None


async def serve(serving: Serving) -> None:
    """Poll and serve until SIGTERM or SIGINT; a bug in any task raises."""
    settings = serving.settings
    stop, reload_wanted = stop_event(serving.signals), reload_event(serving.signals)
    sys.setswitchinterval(_SWITCH_THREADS_WITHIN_SECONDS)
    async with open_upstream(settings, serving.environ) as connections:
        exporter = assemble(settings, connections, serving.secrets, serving.log_writer)
        await exporter.projects.publish()
        reloader = Reloader(
            settings,
            exporter,
            read=serving.read_again,
            connections=connections,
            wanted=reload_wanted,
        )
        server = _server(exporter, serving, reloader)
        projects, store = exporter.projects, exporter.store
        async with asyncio.TaskGroup() as tasks:
            saving = [tasks.create_task(store.run())] if store else []
            tasks.create_task(server.serve(serving.sockets))
            projects.start(tasks)
            _announce("exporter.listening", serving, projects)
            announcing = tasks.create_task(_announce_first_poll(serving, projects))
            reloading = tasks.create_task(reloader.run())
            await stop.wait()
            server.stop()
            await cancelled([announcing, reloading])
            await projects.stop()
            await cancelled(saving)
            if store:
                await store.close(projects.saved())


async def _announce_first_poll(serving: Serving, projects: ProjectSet) -> None:
    """Log the URLs again once there is something to see: other lines have followed by then."""
    # Reloads may replace any poller meanwhile.
    while left := [
        is_published
        for poller in projects.pollers.values()
        if not (is_published := poller.publisher.first_poll_is_published).is_set()
    ]:
        await left[0].wait()
    _announce("exporter.first_poll_ended", serving, projects)


def _announce(event: str, serving: Serving, projects: ProjectSet) -> None:
    """Log the URLs under which the exporter is reached, and how many projects it polls."""
    scheme = "https" if serving.web_config and serving.web_config.has_tls else "http"
    for listening in serving.sockets:
        log.info(
            event,
            open_in_browser=url_of(listening, scheme=scheme),
            metrics=url_of(listening, serving.settings.web.telemetry_path, scheme),
            version=__version__,
            projects=len(projects.pollers),
        )


def _server(exporter: Exporter, serving: Serving, reloader: Reloader) -> Server:
    settings, web_config = serving.settings, serving.web_config
    # Reserve files for polls first: a poll without a free socket fails.
    upstream = len(settings.projects) * (settings.api.concurrency + 1)
    limits = limits_within(raise_open_files_limit(), others=_FILES_OF_ITS_OWN + upstream)
    # Send SIGTERM, so that POST /-/quit stops exactly as SIGTERM does.
    stop = partial(os.kill, os.getpid(), SIGTERM)
    lifecycle = Lifecycle(reloader.reload, stop) if settings.web.enable_lifecycle else None
    site = exporter.site(settings.web.telemetry_path, lifecycle)
    if web_config is None:
        return Server(build_app(site), limits)
    from exporter.web_config.gate import GateMiddleware  # noqa: PLC0415 - most need none of it

    web_config.loaded = exporter.telemetry.web_config_loaded
    app = build_app(site, [Middleware(GateMiddleware, web_config.get)])
    return Server(app, limits, web_config.tls if web_config.has_tls else None)
