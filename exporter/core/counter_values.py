"""The values of a project's counters."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, TypeVar

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILURE_REASONS,
    FINISHED_STATUSES,
    KNOWN_JOB_TYPES,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    Counters,
    ItemStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.domain import Histogram, JobStatus, JobType

_Label = TypeVar("_Label")
_COUNTED_ONLY = (ItemStatus.COMPLETED, ItemStatus.CANCELLED)


@dataclass(slots=True)
class CounterValues:
    """The counters of a project by their labels; they start at zero for all known label values.

    For the start of histograms, see ``durations``.
    """

    jobs_finished: dict[tuple[JobType, JobStatus], int] = field(
        default_factory=lambda: _zeros(FINISHED_STATUSES)
    )
    items_finished: dict[tuple[JobType, ItemStatus], int] = field(
        default_factory=lambda: _zeros(ENDED_ITEM_STATUSES)
    )
    items_failed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAILURE_REASONS, 0))
    items_skipped: dict[tuple[JobType, str], int] = field(
        default_factory=lambda: _zeros((*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON))
    )
    queue_duration: dict[JobType, Histogram] = field(default_factory=dict)
    run_duration: dict[tuple[JobType, JobStatus], Histogram] = field(default_factory=dict)
    turnaround_duration: dict[JobType, Histogram] = field(default_factory=dict)
    item_duration: dict[JobType, Histogram] = field(default_factory=dict)

    def published(self, *, items_enabled: bool = True) -> Counters:
        """Return the counters to publish now.

        Without ``items_enabled``, those that need item counts are left out: they never increase.
        """
        counters = Counters(**{f.name: dict(getattr(self, f.name)) for f in fields(Counters)})
        return counters if items_enabled else _without_counted_only(counters)


def _zeros(labels: Iterable[_Label]) -> dict[tuple[JobType, _Label], int]:
    return {(job_type, label): 0 for job_type in KNOWN_JOB_TYPES for label in labels}


def _without_counted_only(counters: Counters) -> Counters:
    items = {
        (job_type, status): number
        for (job_type, status), number in counters.items_finished.items()
        if status not in _COUNTED_ONLY
    }
    return replace(
        counters, items_finished=items, items_failed={}, items_skipped={}, item_duration={}
    )
