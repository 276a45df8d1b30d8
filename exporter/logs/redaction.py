"""Removing secrets from texts that are logged or shown."""

from __future__ import annotations

REDACTED = "[redacted]"
# Texts from responses may be cut before they are redacted, but never to less than this length.
_SHORTEST_CUT_TEXT = 200
# All keys begin with llx-: a part that is not longer than that is no secret.
_SHORTEST_SECRET_PART = 5


class Secrets:
    """Texts that must not be shown; more can be added at any time."""

    def __init__(self, *texts: str) -> None:
        self.forms: list[str] = []
        for text in texts:
            self.add(text)

    def add(self, secret: str) -> None:
        """Add a secret; an empty text is none."""
        if secret:
            forms = {*self.forms, secret, repr(secret)[1:-1]}
            # Longest first, in case one key is the beginning of another.
            self.forms = sorted(forms, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Return a text with all secrets replaced, also one that was cut at the end of the text."""
        may_be_cut = len(text) >= _SHORTEST_CUT_TEXT
        for form in self.forms:
            text = text.replace(form, REDACTED)
        if may_be_cut:
            for form in self.forms:
                # The usual case, and quicker than all lengths.
                if form[:_SHORTEST_SECRET_PART] not in text:
                    continue
                for length in range(len(form) - 1, _SHORTEST_SECRET_PART - 1, -1):
                    if text.endswith(form[:length]):
                        return text[:-length] + REDACTED
        return text
