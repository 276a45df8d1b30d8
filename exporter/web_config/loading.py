"""From a web configuration file, and the files that it names, to what the server needs of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config import ConfigError
from exporter.config.errors import shown
from exporter.config.files import read_bytes
from exporter.web_config.parsing import named, parse_web_config
from exporter.web_config.server_tls import Pems, ServerTls, server_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.web_config.model import TlsSection, WebConfigModel

# The system's whole list of CAs has a quarter of that.
_LARGEST_PEM_KIB = 1024

# What of a file's status tells that another one was put in its place, or written into it.
Stamp = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One request for each ``interval_seconds``, and ``burst`` at once after a pause."""

    interval_seconds: float
    burst: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file asks for: ``users`` with their bcrypt hashes, headers of every answer."""

    users: Mapping[bytes, bytes]
    headers: Mapping[str, str]
    rate_limit: RateLimit | None
    tls: ServerTls | None


def stamp_of(path: Path) -> Stamp:
    """Return what changes when a file, or what a symbolic link leads to, is replaced."""
    try:
        status = os.stat(path)  # noqa: PTH116 - at each request: a Path takes twice as long
    except (OSError, ValueError):
        return None
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev, status.st_size)


def load_web_config(
    path: Path, watch: Callable[[Path], object] = stamp_of, *, may_be_empty: bool = True
) -> WebConfig:
    """Read everything; ``watch`` is told of each file before it is read.

    An empty file has no settings, or is a mistake unless it ``may_be_empty``.

    Raises:
        ConfigError: with all mistakes of the first file that has any.
    """
    watch(path)
    model = parse_web_config(path, may_be_empty=may_be_empty)
    tls = model.tls_server_config
    return WebConfig(
        users={user.encode(): hashed.encode() for user, hashed in model.basic_auth_users.items()},
        headers=model.http_server_config.headers,
        rate_limit=_rate_limit(model),
        tls=_server_tls(path, tls, watch) if tls.is_enabled else None,
    )


def _rate_limit(model: WebConfigModel) -> RateLimit | None:
    limit = model.rate_limit
    return RateLimit(limit.interval, limit.burst) if limit.interval else None


def _server_tls(path: Path, tls: TlsSection, watch: Callable[[Path], object]) -> ServerTls:
    problems: list[str] = []

    def content(key: str) -> bytes:
        """Return a PEM text; where the file gives both a file and a text, the file counts."""
        file = getattr(tls, f"{key}_file")
        if not file:
            return str(getattr(tls, key)).encode()
        # Relative paths start from the folder of the configuration file.
        pem = path.parent / file
        watch(pem)
        try:
            what = f"{named(path)}: tls_server_config.{key}_file {shown(pem)}"
            return read_bytes(pem, what, most_kib=_LARGEST_PEM_KIB)
        except ConfigError as error:
            problems.extend(error.problems)
            return b""

    pems = Pems(content("cert"), content("key"), content("client_ca") or None)
    if problems:
        raise ConfigError(*problems)
    try:
        return server_tls(tls, pems)
    except ConfigError as error:
        told = (f"{named(path)}: tls_server_config.{problem}" for problem in error.problems)
        raise ConfigError(*told) from None
