"""Loading a web configuration file, together with the files that it names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config import ConfigError
from exporter.config.errors import shown
from exporter.config.file_reading import read_bytes
from exporter.web_config.parsing import named, parse_web_config
from exporter.web_config.server_tls import ServerTls, server_tls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.web_config.sections import RateLimitSection, TlsSection

# The list of CAs of a whole system is a quarter of that size.
_LARGEST_PEM_KIB = 1024

# File status, compared to notice changes; None if there is no such file.
Stamp = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class LoadedWebConfig:
    """The content of the file: ``users`` with bcrypt hashes, ``headers`` of all answers."""

    users: Mapping[bytes, bytes]
    headers: Mapping[str, str]
    rate_limit: RateLimitSection
    tls: ServerTls | None


def stamp_of(path: Path) -> Stamp:
    """Return a value that changes when a file, or the target of a symbolic link, is replaced."""
    try:
        status = os.stat(path)  # noqa: PTH116 - at each request: a Path takes twice as long
    except (OSError, ValueError):
        return None
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev, status.st_size)


def load_web_config(
    path: Path, stamps: dict[Path, Stamp], *, may_be_empty: bool = True
) -> LoadedWebConfig:
    """Read the file and those that it names, and add the stamp of each to ``stamps``.

    An empty file has no settings; unless it ``may_be_empty``, that is a mistake.

    Raises:
        ConfigError: with all mistakes.
    """
    problems: list[str] = []
    # Taken before the file is read, so that a change in between is noticed later.
    stamps[path] = stamp_of(path)
    model = parse_web_config(path, problems, may_be_empty=may_be_empty)
    tls = model.tls_server_config
    loaded_tls = _server_tls(path, tls, stamps, problems) if tls.is_enabled else None
    if problems:
        raise ConfigError(*problems)
    return LoadedWebConfig(
        users={user.encode(): hashed.encode() for user, hashed in model.basic_auth_users.items()},
        headers=model.http_server_config.headers,
        rate_limit=model.rate_limit,
        tls=loaded_tls,
    )


def _server_tls(
    path: Path, tls: TlsSection, stamps: dict[Path, Stamp], problems: list[str]
) -> ServerTls | None:
    def content(key: str) -> bytes | None:
        """Return a PEM text, if any can be read; the file takes precedence over the inline text."""
        file, text = getattr(tls, f"{key}_file"), getattr(tls, key)
        if not file:
            return text.encode() or None
        # Relative paths start from the folder of the configuration file.
        pem = path.parent / file
        stamps[pem] = stamp_of(pem)
        try:
            what = f"{named(path)}: tls_server_config.{key}_file {shown(pem)}"
            return read_bytes(pem, what, most_kib=_LARGEST_PEM_KIB)
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    cert, key, client_ca = content("cert"), content("key"), content("client_ca")
    if cert is None or key is None:
        return None
    try:
        return server_tls(tls, cert, key, client_ca)
    except ConfigError as error:
        problems += [f"{named(path)}: tls_server_config.{problem}" for problem in error.problems]
        return None
