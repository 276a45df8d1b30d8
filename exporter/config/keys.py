"""Where keys come from: settings, variables, and files."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from exporter.config.errors import ConfigError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_KEY_FILE_BYTES = 16 * 1024
# What can stand in an HTTP header: anything else would fail at the first request.
_KEY = re.compile(r"[!-~]+")
# All that is shorter is a file half written, or a template that had nothing to fill in.
_SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A file that holds a key and nothing else; ``named`` is what a person knows it by."""

    path: Path
    named: str

    def read(self) -> SecretStr:
        """Return the key that the file holds now.

        Raises:
            ConfigError: it cannot be read, or holds no usable key.
        """
        return _checked(_content(self.path, self.named), self.named)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and the place that it came from, in words; ``file`` is ``None`` where that is none.

    ``value`` is ``None`` while the file is waited for; then ``problem`` says what it lacks.
    """

    value: SecretStr | None
    origin: str
    file: KeyFile | None = None
    problem: str = ""


def find_key(
    values: Mapping[str, str],
    key_name: str,
    file_name: str,
    directory: Path = Path(),
    *,
    waits: bool = False,
) -> ApiKey | None:
    """Return the key that one of two values holds: itself, or the path of a file with it.

    Return ``None`` where neither is set. A relative path starts from ``directory``. If it
    ``waits``, nothing that is wrong with the file is a mistake: that may be mended later.

    Raises:
        ConfigError: if both are set, or what is set holds no usable key.
    """
    key, file = values.get(key_name), values.get(file_name)
    if key and file:
        raise ConfigError(f"{key_name} and {file_name} are both set; choose one.")
    if key:
        return ApiKey(_checked(key, key_name), key_name)
    if file:
        path = directory / file
        key_file = KeyFile(path, f"the file {shown(path)} of {file_name}")
        origin = f"file {shown(path)}"
        try:
            return ApiKey(key_file.read(), origin, key_file)
        except ConfigError as error:
            if not waits:
                raise
            return ApiKey(None, origin, key_file, " ".join(error.problems))
    return None


def _content(path: Path, named: str) -> str:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{named} is no regular file; it must be one, to be read again.")
            content = file.read(_LONGEST_KEY_FILE_BYTES + 1).decode()
    except OSError as error:
        raise ConfigError(f"{named} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"{named} cannot be read: it is not text.") from None
    if len(content) > _LONGEST_KEY_FILE_BYTES:
        raise ConfigError(f"{named} is too long; it must hold a key alone.")
    return content


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a named pipe that nobody writes to would be waited for, and all else with it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _checked(text: str, named: str) -> SecretStr:
    key = text.strip()
    if not key:
        raise ConfigError(f"{named} is empty; it must hold a key.")
    if len(key.splitlines()) > 1:
        raise ConfigError(f"{named} has more than one line; it must hold a key alone.")
    if not _KEY.fullmatch(key):
        raise ConfigError(f"{named} holds characters that no key has, such as spaces.")
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(f"{named} is too short; a key has {_SHORTEST_KEY} characters at least.")
    return SecretStr(key)
