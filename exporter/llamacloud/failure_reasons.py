"""Why items failed, from the messages of LlamaCloud: a closed set, as free text is no label."""

from __future__ import annotations

import re

from exporter.domain import FAILURE_CODES, NO_FAILURE_REASON, OTHER_FAILURE_REASON

# A code stands near the beginning; what may follow it for megabytes, pages of JSON and stack
# traces, is not searched: a page holds a thousand messages.
_SEARCHED_LENGTH = 1_000
_WHOLE_WORD = {code: re.compile(rf"\b{code}\b") for code in FAILURE_CODES}


def failure_reason(message: str | None) -> str:
    """Name the reason, one of ``FAILURE_REASONS``, that the message of a failed item tells.

    Only the first 1,000 characters of the message count. It is the first of ``FAILURE_CODES``, in
    the order of that list, that stands there as a whole word and in this spelling; ``none`` where
    they are blank, ``other`` where they hold no code.
    """
    text = (message or "")[:_SEARCHED_LENGTH]
    if not text or text.isspace():
        return NO_FAILURE_REASON
    for code, whole_word in _WHOLE_WORD.items():
        # Finding a plain text is much faster than a pattern, and nearly all are not there.
        if code in text and whole_word.search(text):
            return code.lower()
    return OTHER_FAILURE_REASON
