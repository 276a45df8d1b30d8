"""The counters: each job adds every increase once, and no counter decreases."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, TypeVar

from exporter.core.durations import add_durations, add_item_durations, start_durations
from exporter.core.item_counts import known_numbers
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
    from collections.abc import Iterable, Mapping

    from exporter.core.marks import HighWaterMarks
    from exporter.domain import Histogram, ItemCounts, Job, JobStatus, JobType

_Label = TypeVar("_Label")
_COUNTED_ONLY = (ItemStatus.COMPLETED, ItemStatus.CANCELLED)


@dataclass(slots=True)
class CounterBook:
    """Owns a project's counters, which start at zero for all known label values.

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

    def counters(self, *, items_enabled: bool = True) -> Counters:
        """Return the counters as they are now.

        Without ``items_enabled``, those that need item counts are left out: they never increase.
        """
        counters = Counters(**{f.name: dict(getattr(self, f.name)) for f in fields(Counters)})
        return counters if items_enabled else _without_counted_only(counters)

    def add(
        self,
        marks: HighWaterMarks,
        job: Job,
        counts: ItemCounts | None = None,
        *,
        items_are_final: bool = False,
    ) -> HighWaterMarks:
        """Add what a job shows beyond its high-water marks, and return its new marks."""
        start_durations(self, job)
        if not marks.adds:
            return marks
        after = add_durations(self, self._add_items(marks, job, counts), job)
        if not job.active and job.status not in marks.ended_as:
            _add(self.jobs_finished, (job.job_type, job.status), 1)
            after = replace(after, ended_as=marks.ended_as | {job.status})
        if counts is not None and items_are_final:
            after = add_item_durations(self, after, job, counts)
        # The state file keeps the encoded form of marks that are the same object.
        return marks if after == marks else after

    def _add_items(
        self, marks: HighWaterMarks, job: Job, counts: ItemCounts | None
    ) -> HighWaterMarks:
        numbers = known_numbers(job, counts)
        for status, more in _increases(numbers, marks.items).items():
            if status in marks.items:
                _add(self.items_finished, (job.job_type, status), more)
        marks = replace(marks, items=_greatest(numbers, marks.items))
        if counts is not None and ItemStatus.SKIPPED in counts.by_status:
            before = counts.skip_reasons if marks.skip_reasons is None else marks.skip_reasons
            for reason, more in _increases(counts.skip_reasons, before).items():
                _add(self.items_skipped, (job.job_type, reason), more)
            marks = replace(marks, skip_reasons=_greatest(counts.skip_reasons, before))
        if counts is not None and ItemStatus.FAILED in counts.by_status:
            reasons, known = counts.failure_reasons, marks.failure_reasons
            before = reasons if known is None else known
            for reason, more in _increases(reasons, before).items():
                _add(self.items_failed, reason, more)
            marks = replace(marks, failure_reasons=_greatest(reasons, before))
        return marks


def _zeros(labels: Iterable[_Label]) -> dict[tuple[JobType, _Label], int]:
    return {(job_type, label): 0 for job_type in KNOWN_JOB_TYPES for label in labels}


def _add(counter: dict[_Label, int], label: _Label, number: int) -> None:
    counter[label] = counter.get(label, 0) + number


def _without_counted_only(counters: Counters) -> Counters:
    items = {
        (job_type, status): number
        for (job_type, status), number in counters.items_finished.items()
        if status not in _COUNTED_ONLY
    }
    return replace(
        counters, items_finished=items, items_failed={}, items_skipped={}, item_duration={}
    )


def _increases(numbers: Mapping[_Label, int], marks: Mapping[_Label, int]) -> dict[_Label, int]:
    """Return by how much numbers exceed their marks; 0 for a number without a mark."""
    more = {label: number - marks.get(label, 0) for label, number in numbers.items()}
    return {label: number for label, number in more.items() if number > 0}


def _greatest(numbers: Mapping[_Label, int], marks: Mapping[_Label, int]) -> dict[_Label, int]:
    return {**marks, **{key: max(n, marks.get(key, 0)) for key, n in numbers.items()}}
