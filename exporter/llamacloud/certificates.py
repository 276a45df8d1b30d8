"""The trusted certificates, which are read again when the files that hold them change."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from exporter.llamacloud.errors import BadEnvironmentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_UNUSABLE = (
    "name a readable file of certificates in PEM format, in SSL_CERT_DIR a folder of them, or"
    " unset the variable"
)

log = structlog.get_logger("exporter")


class Certificates:
    """Holds the TLS context of new connections, and makes a new one when certificates change.

    ``load`` makes it from what ``SSL_CERT_FILE`` of ``environ`` names, else ``SSL_CERT_DIR``, else
    from the certificates that are installed with the exporter, which are read once. ``is_strict``
    checks certificates as strictly as RFC 5280, which Python does by default from 3.13 on.

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
        value = environ.get(self._variable, "")
        # OpenSSL accepts a list of folders, but one file only.
        values = value.split(":") if self._variable == "SSL_CERT_DIR" else [value]
        self._paths = [Path(part) for part in values if part]
        self._is_unreadable = False
        self._state, self._content = _state_of(self._paths), _content_of(self._paths)
        try:
            self._context = self._loaded()
        except OSError as error:
            if not self._variable:
                raise
            raise BadEnvironmentError(self._variable, _UNUSABLE) from error

    def context(self) -> ssl.SSLContext:
        """Return the context in force; files that can no longer be read change nothing."""
        state = _state_of(self._paths)
        if state != self._state:
            self._state = state
            self._read_again()
        return self._context

    def set_strict(self, *, is_strict: bool) -> None:
        """Check the certificates of new connections as strictly as RFC 5280, or no longer."""
        self._is_strict = is_strict
        self._made_strict(self._context)

    def _loaded(self) -> ssl.SSLContext:
        # Reading a named pipe would block, and a device may have no end.
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
        # Files are also replaced by equal ones. A new context costs all connections.
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
                    advice="the previous certificates stay in use; correct the file: it is read"
                    " again",
                )
            self._is_unreadable = True
            return
        self._content, self._is_unreadable = content, False
        log.info("certificates.changed", variable=self._variable)


def _state_of(paths: Sequence[Path]) -> list[object]:
    """Return a value that changes when a file, or a file in a folder, is replaced or written to."""
    return [_state(path) for path in paths]


def _state(path: Path) -> object:
    try:
        if path.is_dir():
            return sorted((entry.name, _version(entry)) for entry in path.iterdir())
    except OSError:
        return ()
    return _version(path)


def _version(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _content_of(paths: Sequence[Path]) -> list[object]:
    """Return what differs once the bytes of a file, or of a file in a folder, are others."""
    return [_content(path) for path in paths]


def _content(path: Path) -> object:
    try:
        if path.is_dir():
            return sorted((file.name, _content(file)) for file in path.iterdir() if file.is_file())
        # Reading a named pipe would block, and a device may have no end.
        return hash(path.read_bytes()) if path.is_file() else 0
    except OSError:
        return 0
