"""The web configuration in force: read again when a file changes, and kept when it is broken."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from exporter.config import ConfigError
from exporter.web_config.loading import is_empty, load_web_config, stamp_of
from exporter.web_config.parsing import named

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.web_config.loading import Stamp, WebConfig

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
        self._current = self._load()

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

    def context(self) -> ssl.SSLContext:
        """Return the TLS context for a connection that was just accepted."""
        tls = self.get().tls
        assert tls is not None  # noqa: S101 - the server asks only where there is TLS
        return tls.context

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Tell whether a client with this verified certificate may go on."""
        tls = self._current.tls
        return tls is not None and tls.admits(certificate)

    def _has_changed(self) -> bool:
        return any(stamp_of(path) != stamp for path, stamp in self._stamps.items())

    def _load(self) -> WebConfig:
        stamps: dict[Path, Stamp] = {}

        def watch(path: Path) -> None:
            # Before the file is read: a change in between is then seen the next time.
            stamps[path] = stamp_of(path)

        try:
            return load_web_config(self._path, watch)
        finally:
            self._stamps = stamps

    def _renew(self) -> None:
        if is_empty(self._path):
            # Half of the ways to write a file empty it first: that must not let anybody in.
            self._stamps = {self._path: stamp_of(self._path)}
            self._refuse((f"{named(self._path)} is empty: write {{}} for no settings.",))
            return
        try:
            config = self._load()
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
