"""Reading a file that the settings name, which may be no regular file or have no end."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from exporter.config.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_KIB = 1024


def read_text(path: Path, named: str, *, most_kib: int) -> str:
    """Return the text of a regular file, without a byte order mark.

    Messages call the file ``named``. It never blocks, and reads no more than ``most_kib``.

    Raises:
        ConfigError: it cannot be read, is no regular file, is larger, or is not UTF-8 text.
    """
    try:
        return read_bytes(path, named, most_kib=most_kib).decode("utf-8-sig")
    except ValueError:
        raise ConfigError(f"{named} is not UTF-8 text.") from None


def read_bytes(path: Path, named: str, *, most_kib: int) -> bytes:
    """Return the content of a regular file, as ``read_text`` does.

    Raises:
        ConfigError: it cannot be read, is no regular file, or is larger.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{named} is no regular file; it must be one.")
            content = file.read(most_kib * _KIB + 1)
        if len(content) > most_kib * _KIB:
            raise ConfigError(f"{named} is larger than {most_kib} KiB.")
    except OSError as error:
        raise ConfigError(f"{named} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"{named} has a path that no file can have.") from None
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a file without blocking, as a named pipe without a writer would."""
    return os.open(path, flags | os.O_NONBLOCK)
