"""The statuses and types of v1beta, and what becomes of values newer than this exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from exporter.domain import ItemStatus, JobStatus, JobType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

Known = TypeVar("Known", bound="StrEnum")
log = structlog.get_logger("exporter")

_TEXT_LENGTH = 1000
_UNKNOWN_VALUES_REMEMBERED = 100


class KnownValues:
    """Reads statuses and types of one project; each unknown value is logged once."""

    def __init__(self) -> None:
        self._unknown_values_seen: set[tuple[str, str]] = set()

    def job_type(self, value: str) -> JobType:
        """Name the type of a job."""
        return self._known(_JOB_TYPES, value, JobType.UNKNOWN, "job type")

    def job_status(self, value: str) -> JobStatus:
        """Name the status of a job."""
        return self._known(_JOB_STATUSES, value, JobStatus.UNKNOWN, "job status")

    def item_status(self, value: str) -> ItemStatus:
        """Name the status of an item."""
        # Nearly all are known, and there are a thousand on a page.
        return _ITEM_STATUSES.get(value) or self._known(
            _ITEM_STATUSES, value, ItemStatus.UNKNOWN, "item status"
        )

    def _known(self, values: Mapping[str, Known], value: str, unknown: Known, kind: str) -> Known:
        known = values.get(value)
        if known is not None:
            return known
        seen, text = self._unknown_values_seen, value[:_TEXT_LENGTH]
        if (kind, text) not in seen and len(seen) < _UNKNOWN_VALUES_REMEMBERED:
            seen.add((kind, text))
            log.warning(
                "api.unknown_value",
                kind=kind,
                value=text,
                advice="published as 'unknown'; a newer exporter may know it",
            )
        return unknown


def _values_except(*ours: Known) -> dict[str, Known]:
    return {str(member): member for member in type(ours[0]) if member not in ours}


# ``gone`` and ``unknown`` are words of ours: the API's own would mean something else.
_JOB_TYPES = _values_except(JobType.UNKNOWN)
_JOB_STATUSES = _values_except(JobStatus.UNKNOWN, JobStatus.GONE)
_ITEM_STATUSES = _values_except(ItemStatus.UNKNOWN)
