"""Leaving out what is nested too deeply to be read."""

from __future__ import annotations

import re
from typing import Final

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.json_bounds import MOST_VALUES

# A field of a row is three levels deep.
_DEEPEST: Final = 100
_TEXTS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


def without_deep_values(text: str) -> str:
    """Return a JSON text with null in the place of what is nested deeper than 100 levels.

    Raises:
        BadResponse: its brackets do not match, or are too many.
    """
    if text.count("[") + text.count("{") > MOST_VALUES:
        raise BadResponse("the body: nested too deeply")
    pieces: list[str] = []
    depth = kept_until = 0
    for token in _TEXTS_AND_BRACKETS.finditer(text):
        mark = text[token.start()]
        if mark in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                pieces += (text[kept_until : token.start()], "null")
        elif mark in "]}":
            if depth == _DEEPEST + 1:
                kept_until = token.end()
            depth -= 1
    if depth:
        raise BadResponse("the body: nested too deeply")
    return "".join((*pieces, text[kept_until:]))
