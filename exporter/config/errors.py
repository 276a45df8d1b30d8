"""Mistakes in the settings: their sentences, without secrets, and the error that holds them all."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic_core import ErrorDetails

_SHOWN_LENGTH = 200
_SHOWN_PROBLEMS = 100
# If no known name is similar, all of them are listed, if they are few.
_LEAST_LIKENESS = 0.5
_LISTED_NAMES = 12
_KEY_PREFIX = "llx-"
_REQUIREMENTS = {
    "tuple_type": "must be a list",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_parsing_size": "must be a smaller number",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
}


class ConfigError(Exception):
    """The settings cannot be used; ``problems`` holds each mistake as one sentence.

    ``waits_for_key`` is true if the settings select serving with ``api.wait_for_key``.
    ``web_config_file`` is the web configuration file in them, which may have mistakes too.
    """

    def __init__(
        self, *problems: str, waits_for_key: bool = False, web_config_file: Path | None = None
    ) -> None:
        self.problems = problems
        self.waits_for_key = waits_for_key
        self.web_config_file = web_config_file
        super().__init__(*problems)

    def __str__(self) -> str:
        """Return the mistakes and what to do next, as printed on standard error."""
        return self.message(
            "Nothing was started. `llamacloud-batch-exporter --help` explains every setting."
        )

    def message(self, advice: str) -> str:
        """Return the mistakes, a hundred at most, followed by ``advice``."""
        count = len(self.problems)
        heading = "a mistake" if count == 1 else f"{count} mistakes"
        listed = "\n".join(f"  - {problem}" for problem in self.problems[:_SHOWN_PROBLEMS])
        if count > _SHOWN_PROBLEMS:
            listed += f"\n  - and {count - _SHOWN_PROBLEMS} more."
        return f"The settings have {heading}:\n{listed}\n{advice}"


def shown(value: object) -> str:
    """Return a non-secret value, quoted, escaped and shortened.

    A value that holds the prefix of LlamaCloud keys is not shown: it may be a key in a wrong place.
    """
    text = str(value)
    if _KEY_PREFIX in text:
        return "[redacted]"
    short = text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."
    return f'"{escaped(short)}"'


def unknown(name: str, known: Iterable[str]) -> str:
    """Return a sentence that ``name`` is unknown, with the most similar one of the ``known``."""
    named = shown(name).strip('"')
    by_folded = {each.casefold(): each for each in known}
    folded = name[:_SHOWN_LENGTH].casefold()
    near = get_close_matches(folded, by_folded, n=1, cutoff=_LEAST_LIKENESS)
    if not near and len(by_folded) <= _LISTED_NAMES:
        return f"{named} is unknown; the known ones are {', '.join(by_folded.values())}."
    nearest = (near or get_close_matches(folded, by_folded, n=1, cutoff=0.0))[0]
    return f"{named} is unknown; the nearest known one is {by_folded[nearest]}."


def invalid(named: str, details: ErrorDetails, *, show_value: bool) -> str:
    """Return a sentence about what pydantic found wrong with the setting ``named``."""
    value = details["input"]
    if details["type"] == "tuple_type" and show_value and isinstance(value, str):
        parts = ", ".join(json.dumps(part.strip()) for part in value.split(","))
        return f"{named} must be a list; write {shown(f'[{parts}]')[1:-1]}."
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = ",".join(value)
    if show_value and isinstance(value, (str, int, float)):
        return f"{named} {_requirement(details)}, not {shown(value)}."
    return f"{named} {_requirement(details)}."


def _requirement(details: ErrorDetails) -> str:
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    if details["type"] in _REQUIREMENTS:
        return _REQUIREMENTS[details["type"]]
    # Every message of pydantic for the types that settings have begins with one of these words.
    return re.sub(r"^(Input|String|Value|Data) should", "must", details["msg"])
