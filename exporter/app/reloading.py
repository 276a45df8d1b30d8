"""Applying changed settings while the exporter runs: all of them, or none."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

import structlog

from exporter.app.changes import changes_between, with_fixed_of
from exporter.config import ConfigError
from exporter.llamacloud.errors import BadEnvironmentError
from exporter.logs.processors import configure_logging
from exporter.web.lifecycle import Reloaded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.app.assembly import Exporter
    from exporter.app.changes import Changes
    from exporter.config import Settings
    from exporter.llamacloud.connections import Connections

_REFUSED = "Nothing was changed: the previous settings stay in force."
_REFUSED_ADVICE = "the previous settings stay in force; correct the mistakes, and reload again"
_FIXED_ADVICE = "these settings cannot change while the exporter runs; restart it"
_STOPPED = Reloaded(
    HTTPStatus.SERVICE_UNAVAILABLE, "The exporter stops: the settings were not applied."
)

log = structlog.get_logger("exporter")


class Reloader:
    """Owns the current settings, and replaces them, by one reload at a time.

    ``read`` reads them, in a thread. SIGHUP sets ``wanted``, and does not wait for the result.
    """

    def __init__(
        self,
        settings: Settings,
        exporter: Exporter,
        *,
        read: Callable[[], Settings],
        connections: Connections,
        wanted: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._read = read
        self._exporter = exporter
        self._connections = connections
        self._wanted = wanted
        self._waiting: list[asyncio.Future[Reloaded]] = []
        self._has_stopped = False
        # The loop's own threads may all hang in look-ups of names, and the machine may allow no
        # further thread then: this one starts now.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="settings")
        self._reader.submit(int)

    async def run(self) -> NoReturn:
        """Reload whenever ``wanted`` is set, until cancelled; a bug raises."""
        answered: list[asyncio.Future[Reloaded]] = []
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                answered, self._waiting = self._waiting, []
                _answer(answered, await self._reload())
        finally:
            self._has_stopped = True
            _answer([*answered, *self._waiting], _STOPPED)

    async def reload(self) -> Reloaded:
        """Apply the settings as they are from now on, and return the result of that reload."""
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
            self._connections.check([project.base_url for project in settings.projects])
        except ConfigError as error:
            return self._refused(error.message(_REFUSED), *error.problems)
        except BadEnvironmentError as error:
            return self._refused(f"{error}\n{_REFUSED}", str(error))
        changes = changes_between(self._settings, settings)
        await self._apply(changes, with_fixed_of(settings, self._settings))
        self._exporter.telemetry.config_loaded(successful=True, at=time.time())
        return _applied(changes)

    async def _apply(self, changes: Changes, settings: Settings) -> None:
        before, self._settings = self._settings, settings
        exporter = self._exporter
        for key in settings.api_keys():
            exporter.secrets.add(key)
        if (log_settings := settings.log) != before.log:
            configure_logging(
                log_settings.level, log_settings.format, exporter.log_writer, exporter.secrets
            )
        await exporter.projects.apply(changes, settings)

    def _refused(self, words: str, *problems: str) -> Reloaded:
        self._exporter.telemetry.config_loaded(successful=False, at=time.time())
        for number, problem in enumerate(problems, 1):
            # One line each, because lines are cut and every mistake must be logged.
            log.error(
                "config.reload_failed",
                detail=problem,
                mistake=number,
                mistakes=len(problems),
                advice=_REFUSED_ADVICE,
            )
        return Reloaded(HTTPStatus.BAD_REQUEST, self._exporter.secrets.redact(words))


def _answer(waiting: Iterable[asyncio.Future[Reloaded]], reloaded: Reloaded) -> None:
    for answer in waiting:
        # A client that has left has cancelled its answer.
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
    texts = {name: ", ".join(names) for name, names in facts.items() if names}
    log.info("config.reloaded", **texts)
    lines = ["The settings were applied.", *(f"{name}: {names}" for name, names in texts.items())]
    if changes.fixed_settings:
        fixed = ", ".join(changes.fixed_settings)
        log.warning("config.restart_needed", settings=fixed, advice=_FIXED_ADVICE)
        lines.append(f"A restart is needed for: {fixed}.")
    return Reloaded(HTTPStatus.OK, "\n".join(lines))
