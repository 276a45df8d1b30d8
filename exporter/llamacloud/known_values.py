"""Statuses and types of a generation of the API, known and unknown ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.llamacloud.fields import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from structlog.stdlib import BoundLogger

Known = TypeVar("Known")

# No known word is longer. A value may have megabytes: it is cut before it is compared.
_LONGEST_WORD = 100
_UNKNOWN_VALUES_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Vocabulary(Generic[Known]):
    """The words of one ``kind`` that a generation of the API uses, in lower case.

    ``unknown`` is the meaning of all other words.
    """

    kind: str
    meanings: Mapping[str, Known]
    unknown: Known


class KnownValues:
    """Reads the statuses and types of one project, and logs each unknown value once."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._unknown_values_seen: set[tuple[str, str]] = set()

    def read(self, vocabulary: Vocabulary[Known], value: str | None) -> Known:
        """Return the meaning of a word, compared without case.

        It is ``unknown`` if the word is absent, or newer than this exporter.
        """
        if value is None:
            return vocabulary.unknown
        # The usual case first: a page has a thousand known words in lower case.
        meaning = vocabulary.meanings.get(value)
        if meaning is None:
            meaning = vocabulary.meanings.get(value[:_LONGEST_WORD].lower())
        if meaning is None:
            self._log_once(vocabulary.kind, value[:LONGEST_TEXT])
            return vocabulary.unknown
        return meaning

    def _log_once(self, kind: str, value: str) -> None:
        seen = self._unknown_values_seen
        if (kind, value) not in seen and len(seen) < _UNKNOWN_VALUES_REMEMBERED:
            seen.add((kind, value))
            self._log.warning(
                "api.unknown_value",
                kind=kind,
                value=value,
                advice="published as 'unknown'; a newer exporter may know it",
            )
