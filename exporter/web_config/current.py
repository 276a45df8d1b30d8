"""The web configuration in force: read again when a file changes, and kept when it is broken."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import structlog

from exporter.config import ConfigError
from exporter.web_config.loading import load_web_config, stamp_of
from exporter.web_config.parsing import named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.web_config.loading import LoadedWebConfig, Stamp
    from exporter.web_config.server_tls import ServerTls

# Reading may succeed later although no file changed, for example after a lack of open files.
_RETRY_SECONDS = 10.0
_ADVICE = "the previous web configuration stays in force; correct the file"

log = structlog.get_logger("exporter")


class CurrentWebConfig:
    """Owns the web configuration, which is checked at each request and each TLS handshake.

    ``loaded`` is called after each attempt to read a changed file, with whether it was
    ``successful``, and the Unix time ``at`` which it ended.

    Raises:
        ConfigError: the file has mistakes at the start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._stamps: dict[Path, Stamp] = {}
        self._problems: tuple[str, ...] = ()
        self._retry_at_monotonic = math.inf
        self.loaded: Callable[..., object] = lambda **_: None
        self._current = self._load(may_be_empty=True)

    def get(self) -> LoadedWebConfig:
        """Return the newest configuration without mistakes.

        It costs one ``stat`` of each file, and milliseconds where one has changed.
        """
        if self._has_changed() or self._clock() >= self._retry_at_monotonic:
            self._renew()
        return self._current

    @property
    def has_tls(self) -> bool:
        """Whether the server speaks TLS, which only a restart changes."""
        return self._current.tls is not None

    def tls(self) -> ServerTls:
        """Return the TLS settings of a connection that was just accepted."""
        tls = self.get().tls
        assert tls is not None  # noqa: S101 - the server calls this only where there is TLS
        return tls

    def _has_changed(self) -> bool:
        return any(stamp_of(path) != stamp for path, stamp in self._stamps.items())

    def _load(self, *, may_be_empty: bool) -> LoadedWebConfig:
        self._stamps = {}
        return load_web_config(self._path, self._stamps, may_be_empty=may_be_empty)

    def _renew(self) -> None:
        try:
            # Many programs empty a file before they write it: passwords stay required meanwhile.
            config = self._load(may_be_empty=False)
        except ConfigError as error:
            self._refuse(error.problems)
            return
        if self._has_changed():
            return  # It is being written: the next request reads it again.
        if (config.tls is None) == self.has_tls:
            switched = f"TLS cannot be switched {'off' if self.has_tls else 'on'}"
            problem = f"{named(self._path)}: {switched} while the exporter runs: restart it."
            self._refuse((problem,))
            return
        self._current = config
        self._problems = ()
        self._retry_at_monotonic = math.inf
        log.info("config.reloaded", file=str(self._path))
        self.loaded(successful=True, at=time.time())

    def _refuse(self, problems: tuple[str, ...]) -> None:
        self._retry_at_monotonic = self._clock() + _RETRY_SECONDS
        if problems != self._problems:
            for problem in problems:
                log.error("web.config_failed", detail=problem, advice=_ADVICE)
        self._problems = problems
        self.loaded(successful=False, at=time.time())
