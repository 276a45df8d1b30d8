"""Bounding what it can cost to read a body: its number of values, and how deep they are nested."""

from __future__ import annotations

import re
from typing import Final

from exporter.llamacloud.errors import BadResponse

# A page of 1000 rows has 20,000. Each takes up to 230 bytes, however little of the body it
# took, and what is read is read at once: without this bound, gigabytes in a second.
MOST_VALUES: Final = 100_000
# Whatever a body of this length holds takes 50 MB at most, and most pages are shorter.
_BYTES_THAT_NEED_NO_COUNTING = 2**20
_PIECE_BYTES = 65_536
# Each value but the first follows one of these, where it does not stand in a text.
_BEFORE_A_VALUE = (b",", b"[", b"{")
# A field of a row is three levels deep.
_DEEPEST: Final = 100
_TEXTS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


def check_number_of_values(body: bytes) -> None:
    """Refuse a long body of more than ``MOST_VALUES`` values; what texts hold is no value.

    Raises:
        BadResponse: it has more.
    """
    if len(body) <= _BYTES_THAT_NEED_NO_COUNTING or _marks_in(body) < MOST_VALUES:
        return
    # Backslashes stand in texts alone, in pairs or before what they escape.
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks, begins_in_text = 0, False
    for start in range(0, len(unescaped), _PIECE_BYTES):
        parts = unescaped[start : start + _PIECE_BYTES].split(b'"')
        marks += _marks_in(b" ".join(parts[begins_in_text::2]))
        begins_in_text ^= len(parts) % 2 == 0
        if marks >= MOST_VALUES:
            raise BadResponse(f"the body: more than {MOST_VALUES} values")


def _marks_in(text: bytes) -> int:
    return sum(map(text.count, _BEFORE_A_VALUE))


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
