"""Applying the settings again while the exporter runs: those that changed, or none of them."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

import structlog

from exporter.app.changes import changes_between, with_fixed_of
from exporter.app.upstream import base_urls_of
from exporter.config import ConfigError
from exporter.lifecycle import Reloaded
from exporter.llamacloud.errors import BadEnvironmentError
from exporter.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.app.assembly import Exporter
    from exporter.app.changes import Changes
    from exporter.app.leaving import LookUps
    from exporter.config import Settings
    from exporter.llamacloud.connections import Connections
    from exporter.redaction import Secrets

_REFUSED = "Nothing was changed: the previous settings stay in force."
_REFUSED_ADVICE = "the previous settings stay in force; correct the mistakes, and reload again"
_FIXED_ADVICE = "these settings cannot change while the exporter runs; restart it"
_STOPPED = Reloaded(
    HTTPStatus.SERVICE_UNAVAILABLE, "The exporter stops: the settings were not applied."
)

log = structlog.get_logger("exporter")


class Reloader:
    """Owns the settings in force, and replaces them one time after the other.

    ``read`` reads them, in a thread. ``wanted`` is set where nobody waits for what comes of it.
    """

    def __init__(
        self,
        settings: Settings,
        exporter: Exporter,
        *,
        read: Callable[[], Settings],
        connections: Connections,
        secrets: Secrets,
        look_ups: LookUps,
        wanted: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._read = read
        self._exporter = exporter
        self._connections = connections
        self._secrets = secrets
        self._look_ups = look_ups
        self._wanted = wanted
        self._waiting: list[asyncio.Future[Reloaded]] = []
        self._has_stopped = False
        # The loop's own threads may all hang in look-ups of names.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="settings")

    async def run(self) -> NoReturn:
        """Reload whenever that is wanted, until cancelled; a bug raises."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                asked = len(self._waiting)
                reloaded = await self._reload()
                answered, self._waiting = self._waiting[:asked], self._waiting[asked:]
                _answer(answered, reloaded)
        finally:
            self._has_stopped = True
            _answer(self._waiting, _STOPPED)

    async def reload(self) -> Reloaded:
        """Apply the settings as they are from now on, and say what came of it."""
        if self._has_stopped:
            return _STOPPED
        answer: asyncio.Future[Reloaded] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._wanted.set()
        return await answer

    async def _reload(self) -> Reloaded:
        loop = asyncio.get_running_loop()
        try:
            settings = await loop.run_in_executor(self._reader, self._read)
            self._connections.check(base_urls_of(settings))
        except ConfigError as error:
            return self._refused(error.problems, error.told(_REFUSED))
        except BadEnvironmentError as error:
            return self._refused([str(error)], f"{error}\n{_REFUSED}")
        changes = changes_between(self._settings, settings)
        await self._apply(changes, with_fixed_of(settings, self._settings))
        self._exporter.telemetry.config_loaded(successful=True, at=time.time())
        return _applied(changes)

    async def _apply(self, changes: Changes, settings: Settings) -> None:
        before, self._settings = self._settings, settings
        for project in settings.projects:
            if project.api_key is not None:
                self._secrets.add(project.api_key.get_secret_value())
        if settings.log != before.log:
            writer = self._exporter.log_writer
            configure_logging(settings.log.level, settings.log.format, writer, self._secrets)
        self._look_ups.allow_for(len(settings.projects))
        await self._exporter.projects.apply(changes, settings)

    def _refused(self, problems: tuple[str, ...] | list[str], words: str) -> Reloaded:
        self._exporter.telemetry.config_loaded(successful=False, at=time.time())
        for number, problem in enumerate(problems, 1):
            # Each in a line of its own: lines are bounded, and every mistake is to be told.
            log.error(
                "config.reload_failed",
                detail=problem,
                mistake=number,
                mistakes=len(problems),
                advice=_REFUSED_ADVICE,
            )
        return Reloaded(HTTPStatus.BAD_REQUEST, self._secrets.taken_out_of(words))


def _answer(waiting: Iterable[asyncio.Future[Reloaded]], reloaded: Reloaded) -> None:
    for answer in waiting:
        # Somebody who left has cancelled the answer.
        if not answer.done():
            answer.set_result(reloaded)


def _applied(changes: Changes) -> Reloaded:
    """Log what was applied, and return the same in words."""
    facts = {
        "added": changes.added,
        "removed": changes.removed,
        "changed": changes.changed,
        "settings": changes.changed_settings,
    }
    told = {name: ", ".join(names) for name, names in facts.items() if names}
    log.info("config.reloaded", **told)
    lines = ["The settings were applied.", *(f"{name}: {names}" for name, names in told.items())]
    if changes.fixed_settings:
        fixed = ", ".join(changes.fixed_settings)
        log.warning("config.restart_needed", settings=fixed, advice=_FIXED_ADVICE)
        lines.append(f"A restart is needed for: {fixed}.")
    return Reloaded(HTTPStatus.OK, "\n".join(lines))
