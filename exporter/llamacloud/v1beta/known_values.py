"""The statuses and types of v1beta, and what becomes of values newer than this exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.llamacloud.belief import comparable_word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from structlog.stdlib import BoundLogger

Known = TypeVar("Known", bound="StrEnum")

_TEXT_LENGTH = 1000
# No known word is longer: of megabytes no copy is made to compare them.
_LONGEST_WORD = 100
_UNKNOWN_VALUES_REMEMBERED = 100
_UNKNOWN = "unknown"
# Words of ours: the API's own would mean something else.
_OURS = frozenset({_UNKNOWN, str(JobStatus.GONE)})
_NAMES = {JobType: "job type", JobStatus: "job status", ItemStatus: "item status"}
_MEMBERS: Mapping[type[StrEnum], Mapping[str, Any]] = {
    kind: {str(member): member for member in kind if member not in _OURS} for kind in _NAMES
}


class KnownValues:
    """Reads statuses and types of one project; each unknown value is logged once."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._unknown_values_seen: set[tuple[str, str]] = set()

    def read(self, kind: type[Known], value: str | None) -> Known:
        """Return what ``value`` names, ``unknown`` where it is absent or newer than this exporter.

        Words are compared without case.
        """
        # Nearly all are known, and there are a thousand on a page.
        member: Known | None = _MEMBERS[kind].get(value) if value is not None else kind(_UNKNOWN)
        return member or self._read_without_case(kind, value or "")

    def _read_without_case(self, kind: type[Known], value: str) -> Known:
        member: Known | None = _MEMBERS[kind].get(comparable_word(value[:_LONGEST_WORD]))
        return member or self._unknown(kind, value)

    def _unknown(self, kind: type[Known], value: str) -> Known:
        seen, unknown = self._unknown_values_seen, (_NAMES[kind], value[:_TEXT_LENGTH])
        if unknown not in seen and len(seen) < _UNKNOWN_VALUES_REMEMBERED:
            seen.add(unknown)
            self._log.warning(
                "api.unknown_value",
                kind=unknown[0],
                value=unknown[1],
                advice="published as 'unknown'; a newer exporter may know it",
            )
        return kind(_UNKNOWN)
