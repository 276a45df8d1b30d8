"""Statuses and types of a generation, and what becomes of values newer than this exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.llamacloud.fields import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.stdlib import BoundLogger

Known = TypeVar("Known")


# No known word is longer: of megabytes no copy is made to compare them.
_LONGEST_WORD = 100
_UNKNOWN_VALUES_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Vocabulary(Generic[Known]):
    """The words of one kind, in lower case, that a generation of the API uses.

    ``kind`` is what the log calls them, ``unknown`` stands for all others.
    """

    kind: str
    meanings: Mapping[str, Known]
    unknown: Known


class KnownValues:
    """Reads statuses and types of one project; each unknown value is logged once."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._unknown_values_seen: set[tuple[str, str]] = set()

    def read(self, vocabulary: Vocabulary[Known], value: str | None) -> Known:
        """Return what ``value`` names, ``unknown`` where it is absent or newer than this exporter.

        Words are compared without case.
        """
        if value is None:
            return vocabulary.unknown
        # Nearly all are known, and there are a thousand on a page.
        meaning = vocabulary.meanings.get(value)
        if meaning is None:
            meaning = vocabulary.meanings.get(value[:_LONGEST_WORD].lower())
        return self._unknown(vocabulary, value) if meaning is None else meaning

    def _unknown(self, vocabulary: Vocabulary[Known], value: str) -> Known:
        seen, unknown = self._unknown_values_seen, (vocabulary.kind, value[:LONGEST_TEXT])
        if unknown not in seen and len(seen) < _UNKNOWN_VALUES_REMEMBERED:
            seen.add(unknown)
            self._log.warning(
                "api.unknown_value",
                kind=unknown[0],
                value=unknown[1],
                advice="published as 'unknown'; a newer exporter may know it",
            )
        return vocabulary.unknown
