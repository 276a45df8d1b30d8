"""Sentences for what pydantic found wrong, without the inputs that pydantic would show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.config.errors import shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS = {
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of settings to values",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_parsing_size": "must be a smaller number",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
}


def sentence(named: str, details: ErrorDetails, *, show_value: bool) -> str:
    """Say what is wrong with the setting ``named``, and its value where it is no secret."""
    value = details["input"]
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = ",".join(value)
    if show_value and isinstance(value, (str, int, float)):
        return f"{named} {_requirement(details)}, not {shown(value)}."
    return f"{named} {_requirement(details)}."


def _requirement(details: ErrorDetails) -> str:
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    if details["type"] in _WORDS:
        return _WORDS[details["type"]]
    # Every message of pydantic for the types that settings have begins with one of these words.
    return re.sub(r"^(Input|String|Value|Data) should", "must", details["msg"])
