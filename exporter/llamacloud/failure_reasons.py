"""Failed items and why they failed: a closed set of reasons, because no label is free text."""

from __future__ import annotations

import re

from exporter.domain import FAILURE_CODES, NO_FAILURE_REASON, OTHER_FAILURE_REASON, FailedItem
from exporter.texts import cut

# A code stands near the beginning. Megabytes of JSON and stack traces may follow it, and a page
# holds a thousand messages.
_SEARCHED_LENGTH = 1_000
# Names and messages are unbounded; this much of each is enough for a log line.
_LOGGED_LENGTH = 500
_WHOLE_WORD = {code: re.compile(rf"\b{code}\b") for code in FAILURE_CODES}


def failure_reason(message: str | None) -> str:
    """Return the reason, one of ``FAILURE_REASONS``, in the message of a failed item.

    It is the first of ``FAILURE_CODES``, in the order of that list, that is a whole word of the
    first 1,000 characters, in the same spelling. It is ``none`` if these are blank, and ``other``
    if they contain no code.
    """
    text = (message or "")[:_SEARCHED_LENGTH]
    if not text or text.isspace():
        return NO_FAILURE_REASON
    for code, whole_word in _WHOLE_WORD.items():
        # Nearly all codes are absent, and a plain text is found much faster than a pattern.
        if code in text and whole_word.search(text):
            return code.lower()
    return OTHER_FAILURE_REASON


def failed_item(
    item_id: str, name: str | None, message: str | None, reason: str | None
) -> FailedItem:
    """Return a failed item, with at most 500 characters of its name and of its message."""
    return FailedItem(item_id, cut(name, _LOGGED_LENGTH), cut(message, _LOGGED_LENGTH), reason)
