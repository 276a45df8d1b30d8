"""Keeping secrets out of texts that people read."""

from __future__ import annotations

import re

REDACTED = "[redacted]"
# Whoever cuts a text before it comes here leaves at least so much of it.
_SHORTEST_CUT_TEXT = 200
# All keys begin with llx-: less than one more character tells nothing.
_SHORTEST_TELLING = 5


class Secrets:
    """Texts that nobody may read; more may be added while the program runs."""

    def __init__(self, *texts: str) -> None:
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        for text in texts:
            self.add(text)

    def add(self, secret: str) -> None:
        """Keep one more secret."""
        if not secret:
            return
        self._forms |= {secret, repr(secret)[1:-1]}
        # Of two keys of which one begins the other, the longer must be found first.
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def taken_out_of(self, text: str) -> str:
        """Return a text without the secrets, also where one was cut at its end."""
        if self._pattern is None:
            return text
        whole = self._pattern.sub(REDACTED, text)
        return whole if len(text) < _SHORTEST_CUT_TEXT else self._without_cut_secret(whole)

    def _without_cut_secret(self, text: str) -> str:
        for secret in self._forms:
            for length in range(len(secret) - 1, _SHORTEST_TELLING - 1, -1):
                if text.endswith(secret[:length]):
                    return text[:-length] + REDACTED
        return text
