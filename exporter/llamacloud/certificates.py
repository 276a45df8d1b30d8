"""The certificates that are trusted: read again when the files that hold them change."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from exporter.llamacloud.environment import bad_certificates

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_STAYS = "the previous certificates stay in use; correct the file: it is read again"

log = structlog.get_logger("exporter")


class Certificates:
    """Gives the TLS context of new connections, another one when the certificates changed.

    ``load`` makes it from what ``SSL_CERT_FILE`` of ``environ`` names, else ``SSL_CERT_DIR``, else
    from the certificates that are installed with the exporter, which are read once. ``is_strict``
    asks of certificates what RFC 5280 does, on every Python; by themselves those from 3.13 on do.

    Raises:
        BadEnvironmentError: what a variable names cannot be read, or holds no certificates.
    """

    def __init__(
        self,
        load: Callable[[], ssl.SSLContext],
        environ: Mapping[str, str],
        *,
        is_strict: bool = True,
    ) -> None:
        self._load = load
        self._is_strict = is_strict
        self._variable = next((name for name in _VARIABLES if environ.get(name)), "")
        self._paths = _paths(self._variable, environ.get(self._variable, ""))
        self._is_doubted = self._is_unreadable = False
        self._state, self._content = _state_of(self._paths), _content_of(self._paths)
        try:
            self._context = self._loaded()
        except OSError as error:
            raise (bad_certificates(self._variable) if self._variable else error) from None

    def context(self) -> ssl.SSLContext:
        """Return the context in force; a file that cannot be read any more changes nothing."""
        if self._paths:
            state = _state_of(self._paths)
            if self._is_doubted or state != self._state:
                self._state, self._is_doubted = state, False
                self._read_again()
        return self._context

    def set_strict(self, *, is_strict: bool) -> None:
        """Ask of certificates of new connections what RFC 5280 does, or no longer."""
        self._is_strict = is_strict
        self._made_strict(self._context)

    def doubt(self) -> None:
        """Look for changes more closely next time: a server's certificate was refused."""
        self._is_doubted = True

    def _loaded(self) -> ssl.SSLContext:
        # A named pipe would be waited for, and a device may have no end.
        is_right = Path.is_file if self._variable == "SSL_CERT_FILE" else Path.is_dir
        if self._paths and not any(map(is_right, self._paths)):
            raise FileNotFoundError(f"no such file or folder: {', '.join(map(str, self._paths))}")
        return self._made_strict(self._load())

    def _made_strict(self, context: ssl.SSLContext) -> ssl.SSLContext:
        if self._is_strict:
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        else:
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def _read_again(self) -> None:
        content = _content_of(self._paths)
        if content == self._content and not self._is_unreadable:
            return
        try:
            self._context = self._loaded()
        except OSError as error:
            if not self._is_unreadable:
                log.warning(
                    "certificates.unreadable",
                    variable=self._variable,
                    detail=f"{type(error).__name__}: {error}",
                    advice=_STAYS,
                )
            self._is_unreadable = True
            return
        self._content, self._is_unreadable = content, False
        log.info("certificates.changed", variable=self._variable)


def _paths(variable: str, value: str) -> list[Path]:
    # OpenSSL takes a list of folders, and one file.
    parts = value.split(":") if variable == "SSL_CERT_DIR" else [value]
    return [Path(part) for part in parts if part]


def _state_of(paths: Sequence[Path]) -> list[tuple[int, ...]]:
    """Return what is quick to compare, at every request: it misses changes inside of folders."""
    return [_state(path.stat) for path in paths]


def _state(stat: Callable[[], os.stat_result]) -> tuple[int, ...]:
    try:
        found = stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _content_of(paths: Sequence[Path]) -> list[object]:
    """Return what tells whether certificates changed: what files hold, the files of folders."""
    return [_content(path) for path in paths]


def _content(path: Path) -> object:
    try:
        if path.is_file():
            return hash(path.read_bytes())
        return sorted((entry.name, _state(entry.stat)) for entry in path.iterdir())
    except OSError:
        return None
