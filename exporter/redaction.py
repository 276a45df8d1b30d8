"""Keeping secrets out of texts that people read."""

from __future__ import annotations

REDACTED = "[redacted]"
# Texts of LlamaCloud's answers are cut before they come here: at least so much of each is left.
_SHORTEST_CUT_TEXT = 200
# All keys begin with llx-: less than one more character tells nothing.
_SHORTEST_TELLING = 5


class Secrets:
    """Texts that nobody may read; more may be added while the program runs."""

    def __init__(self, *texts: str) -> None:
        self.forms: list[str] = []
        for text in texts:
            self.add(text)

    def add(self, secret: str) -> None:
        """Keep one more secret."""
        if secret:
            forms = {*self.forms, secret, repr(secret)[1:-1]}
            # Of two keys of which one begins the other, the longer must be found first.
            self.forms = sorted(forms, key=len, reverse=True)

    def taken_out_of(self, text: str) -> str:
        """Return a text without the secrets, also where one was cut at its end."""
        may_be_cut = len(text) >= _SHORTEST_CUT_TEXT
        for form in self.forms:
            text = text.replace(form, REDACTED)
        if may_be_cut:
            for form in self.forms:
                # Nearly always, and quicker than to try all lengths.
                if form[:_SHORTEST_TELLING] not in text:
                    continue
                for length in range(len(form) - 1, _SHORTEST_TELLING - 1, -1):
                    if text.endswith(form[:length]):
                        return text[:-length] + REDACTED
        return text
