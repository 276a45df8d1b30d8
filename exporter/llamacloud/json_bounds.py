"""Bounds on the cost of parsing a body: the number of its values, and how deep they are nested."""

from __future__ import annotations

import re
from typing import Final

from exporter.llamacloud.errors import BadResponse

# A page of 1000 rows has 20,000 values. Each takes up to 230 bytes of memory, even if it is only
# two bytes of the body: without a bound, a body could take gigabytes.
MOST_VALUES: Final = 100_000
# A body of this length takes at most 50 MB, whatever it holds; most pages are shorter.
_BYTES_THAT_NEED_NO_COUNTING = 2**20
_PIECE_BYTES = 65_536
# Outside of texts, each value but the first follows one of these.
_BEFORE_A_VALUE = (b",", b"[", b"{")
# A field of a row is three levels deep.
_DEEPEST: Final = 100
_TEXTS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


def check_number_of_values(body: bytes) -> None:
    """Check that a body of more than a mebibyte has at most ``MOST_VALUES`` values.

    Raises:
        BadResponse: it has more.
    """
    if len(body) <= _BYTES_THAT_NEED_NO_COUNTING or _marks_in(body) < MOST_VALUES:
        return
    # Backslashes occur only in texts, in pairs or before the character that they escape.
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
    """Return a JSON text with null in place of values nested deeper than 100 levels.

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
