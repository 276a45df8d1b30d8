"""The web configuration in force: read again when a file changes, and kept when it is broken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import structlog

from exporter.config import ConfigError
from exporter.web_config.loading import load_web_config, stamp_of
from exporter.web_config.parsing import named

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.web_config.loading import Stamp, WebConfig
    from exporter.web_config.server_tls import ServerTls

_ADVICE = "the previous web configuration stays in force; correct the file"

log = structlog.get_logger("exporter")


class Loaded(Protocol):
    """Is told whether another configuration is in force ``at`` a Unix time."""

    def __call__(self, *, successful: bool, at: float) -> object:
        """Take note of it."""


class CurrentWebConfig:
    """Owns the web configuration; each request and each handshake asks for it.

    ``loaded`` is called after each attempt to read another one.

    Raises:
        ConfigError: the file has mistakes at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps: dict[Path, Stamp] = {}
        self._problems: tuple[str, ...] = ()
        self.loaded: Loaded = _tell_nobody
        self._current = self._load(may_be_empty=True)

    def get(self) -> WebConfig:
        """Return the newest configuration without mistakes.

        It costs one ``stat`` of each file, and milliseconds where one has changed.
        """
        if self._has_changed():
            self._renew()
        return self._current

    @property
    def has_tls(self) -> bool:
        """Whether the server speaks TLS, which only a restart changes."""
        return self._current.tls is not None

    def tls(self) -> ServerTls:
        """Return how to speak TLS on a connection that was just accepted."""
        tls = self.get().tls
        assert tls is not None  # noqa: S101 - the server asks only where there is TLS
        return tls

    def _has_changed(self) -> bool:
        return any(stamp_of(path) != stamp for path, stamp in self._stamps.items())

    def _load(self, *, may_be_empty: bool) -> WebConfig:
        stamps: dict[Path, Stamp] = {}

        def watch(path: Path) -> None:
            # Before the file is read: a change in between is then seen the next time.
            stamps[path] = stamp_of(path)

        try:
            return load_web_config(self._path, watch, may_be_empty=may_be_empty)
        finally:
            self._stamps = stamps

    def _renew(self) -> None:
        try:
            # Half of the ways to write a file empty it first: that must not let anybody in.
            config = self._load(may_be_empty=False)
        except ConfigError as error:
            self._refuse(error.problems)
            return
        if self._has_changed():
            return  # It is being written: the next look reads it again.
        if (config.tls is None) == self.has_tls:
            switched = f"TLS cannot be switched {'off' if self.has_tls else 'on'}"
            told = f"{named(self._path)}: {switched} while the exporter runs: restart it."
            self._refuse((told,))
            return
        self._current = config
        self._problems = ()
        log.info("config.reloaded", file=str(self._path))
        self.loaded(successful=True, at=time.time())

    def _refuse(self, problems: tuple[str, ...]) -> None:
        if problems != self._problems:
            for problem in problems:
                log.error("web.config_failed", detail=problem, advice=_ADVICE)
        self._problems = problems
        self.loaded(successful=False, at=time.time())


def _tell_nobody(*, successful: bool, at: float) -> None:
    """Stand in until somebody wants to be told."""
