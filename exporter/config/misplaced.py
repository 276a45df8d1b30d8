"""Keys that stand where they would be shown: in a name, an id, a URL or a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.redaction import Secrets

if TYPE_CHECKING:
    from exporter.config.keys import ApiKey


class KnownKeys:
    """The keys that the settings hold; one that another value holds as well is a mistake."""

    def __init__(self) -> None:
        self._folded: set[str] = set()
        self._secrets = Secrets()

    def add(self, key: ApiKey | None) -> None:
        """Add a key, if there is one."""
        if key and key.value:
            text = key.value.get_secret_value()
            self._folded.add(text.casefold())
            self._secrets.add(text)

    def are_in(self, value: object) -> bool:
        """Tell whether a text, or a text of a list, holds one of the keys, in whatever case."""
        texts = value if isinstance(value, list) else [value]
        return any(
            key in text.casefold()
            for text in texts
            if isinstance(text, str)
            for key in self._folded
        )

    def mistake(self, named: str) -> str:
        """Say that the setting ``named`` holds a key."""
        return f"{named} holds an API key; it must not, because it is shown."

    def taken_out_of(self, text: str) -> str:
        """Return a text without the keys."""
        return self._secrets.taken_out_of(text)
