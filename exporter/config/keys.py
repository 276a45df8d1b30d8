"""API keys in settings, variables and files, and texts that are put in the place of a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from exporter.config.errors import ConfigError, shown
from exporter.config.file_reading import read_text
from exporter.logs.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_KEY_FILE_KIB = 16
# The characters of an HTTP header; with any other the first request would fail.
_KEY = re.compile(r"[!-~]+")
# Anything shorter is a half-written file, or a template that was filled with an empty value.
_SHORTEST_KEY = 8
# The patterns below would take seconds on a large file of brackets.
_MATCHED_LENGTH = 500
_QUOTATION_MARKS = (
    "\"'`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{DOUBLE LOW-9 QUOTATION MARK}"
)
# Texts that users and templates write in the place of a key. Keys of servers other than
# LlamaCloud's own need not begin with llx-.
_NO_KEYS = (
    (
        re.compile(rf"[{_QUOTATION_MARKS}].*|.*[{_QUOTATION_MARKS}]"),
        "is in quotation marks; it must hold the key without them",
    ),
    (
        re.compile(r".*\$\{.*\}.*|.*\$\(.*\).*|.*\{\{.*\}\}.*|\$\w+|%\w+%"),
        "looks like a variable, such as ${NAME}, that was not filled in; it must hold the key",
    ),
    (
        re.compile(r".*<.*>.*|\{.*\}|\[.*\]|(llx-)?([xX*.])\2+"),
        "looks like a placeholder, such as <your-api-key>; it must hold the key",
    ),
    # What ends with = may be a key in base64.
    (
        re.compile(r"(export\s+)?[A-Za-z_]\w*(\s*=\s*|:\s+)[^=\s].*"),
        "looks like NAME=value; it must hold the value alone",
    ),
    (
        re.compile(r"bearer\s.*", re.IGNORECASE),
        "begins with Bearer; it must hold the key alone",
    ),
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A file that holds only a key; messages call it ``named``."""

    path: Path
    named: str

    def read(self) -> SecretStr:
        """Return the key that the file holds now.

        Raises:
            ConfigError: it cannot be read, or holds no usable key.
        """
        content = read_text(self.path, self.named, most_kib=_LARGEST_KEY_FILE_KIB)
        return _checked(content, self.named)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, and in words where it came from; ``file`` is ``None`` if that is no file.

    Without a usable key ``value`` is ``None``, and ``problem`` says why.
    """

    value: SecretStr | None
    origin: str
    file: KeyFile | None = None
    problem: str = ""


class KnownKeys(Secrets):
    """The keys in the settings; another value must not hold one of them."""

    def find_in(self, values: Mapping[str, object], problems: list[str]) -> list[str]:
        """Return the names of the values that hold a key, in any case, and report each.

        A value is a text or a list of texts; all others hold no key.
        """
        found = [name for name, value in values.items() if self._are_in(value)]
        problems += [
            f"{name} holds an API key; it must not, because it is shown." for name in found
        ]
        return found

    def _are_in(self, value: object) -> bool:
        texts = value if isinstance(value, list) else [value]
        folded = [text.casefold() for text in texts if isinstance(text, str)]
        return any(form.casefold() in text for text in folded for form in self.forms)


def find_key(
    values: Mapping[str, str], key_name: str, file_name: str = "", directory: Path = Path()
) -> ApiKey | None:
    """Return the key that one of two values holds: itself, or the path of a file with it.

    Return ``None`` if neither is set. A relative path starts from ``directory``.
    """
    key, file = values.get(key_name, ""), values.get(file_name, "").strip()
    if key and file:
        return ApiKey(None, "", problem=f"{key_name} and {file_name} are both set; choose one.")
    if not key and not file:
        return None
    path = directory / file
    key_file = KeyFile(path, f"the file {shown(path)} of {file_name}") if file else None
    origin = f"file {shown(path)}" if file else key_name
    try:
        value = key_file.read() if key_file else _checked(key, key_name)
    except ConfigError as error:
        return ApiKey(None, origin, key_file, " ".join(error.problems))
    return ApiKey(value, origin, key_file)


def _checked(text: str, named: str) -> SecretStr:
    key = text.strip()
    if not key:
        raise ConfigError(f"{named} is empty; it must hold a key.")
    if len(key.splitlines()) > 1:
        raise ConfigError(f"{named} has more than one line; it must hold a key alone.")
    for pattern, looks in _NO_KEYS:
        if pattern.fullmatch(key[:_MATCHED_LENGTH]):
            raise ConfigError(f"{named} {looks}.")
    if not _KEY.fullmatch(key):
        raise ConfigError(f"{named} holds characters that no key has, such as spaces.")
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(f"{named} is too short; a key has {_SHORTEST_KEY} characters at least.")
    return SecretStr(key)
