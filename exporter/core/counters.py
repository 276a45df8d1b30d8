"""The counters: each job adds every increase once, and no counter falls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.durations import DurationHistograms
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
    from collections.abc import Mapping

    from exporter.core.marks import HighWaterMarks
    from exporter.domain import ItemCounts, Job

_COUNTED_ONLY = (ItemStatus.COMPLETED, ItemStatus.CANCELLED)


class CounterBook:
    """Owns a project's counters; they start at zero for all known label values."""

    def __init__(self) -> None:
        types = KNOWN_JOB_TYPES
        reasons = (*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON)
        self._jobs_finished = {(t, status): 0 for t in types for status in FINISHED_STATUSES}
        self._items_finished = {(t, status): 0 for t in types for status in ENDED_ITEM_STATUSES}
        self._items_failed = dict.fromkeys(FAILURE_REASONS, 0)
        self._items_skipped = {(t, reason): 0 for t in types for reason in reasons}
        self._durations = DurationHistograms()

    def counters(self, *, items_enabled: bool = True) -> Counters:
        """Return the counters as they are now.

        Without ``items_enabled`` those that only counting tells are left out: they stand still.
        """
        counters = Counters(
            jobs_finished=dict(self._jobs_finished),
            items_finished=dict(self._items_finished),
            items_failed=dict(self._items_failed),
            items_skipped=dict(self._items_skipped),
            queue_duration=dict(self._durations.queue),
            run_duration=dict(self._durations.run),
            turnaround_duration=dict(self._durations.turnaround),
            item_duration=dict(self._durations.item),
        )
        return counters if items_enabled else _without_counted_only(counters)

    def restore(self, counters: Counters) -> None:
        """Go on from ``counters``."""
        self._jobs_finished.update(counters.jobs_finished)
        self._items_finished.update(counters.items_finished)
        self._items_failed.update(counters.items_failed)
        self._items_skipped.update(counters.items_skipped)
        self._durations.restore(counters)

    def add(
        self,
        marks: HighWaterMarks,
        job: Job,
        counts: ItemCounts | None = None,
        *,
        items_are_final: bool = False,
    ) -> HighWaterMarks:
        """Add what a job shows beyond its high-water marks, and return its new marks."""
        self._durations.start(job)
        if not marks.adds:
            return marks
        marks = self._add_items(marks, job, counts)
        marks = self._durations.add(marks, job)
        if not job.active:
            marks = self._add_end(marks, job)
        if counts is not None and items_are_final:
            marks = self._durations.add_items(marks, job, counts)
        return marks

    def _add_items(
        self, marks: HighWaterMarks, job: Job, counts: ItemCounts | None
    ) -> HighWaterMarks:
        greater: dict[ItemStatus, int] = {}
        for status, number in known_numbers(job, counts).items():
            mark = marks.items.get(status)
            if mark is not None and number > mark:
                key = (job.job_type, status)
                self._items_finished[key] = self._items_finished.get(key, 0) + number - mark
            if mark is None or number > mark:
                greater[status] = number
        marks = replace(marks, items={**marks.items, **greater}) if greater else marks
        if counts is not None and ItemStatus.SKIPPED in counts.by_status:
            marks = self._add_skip_reasons(marks, job, counts)
        if counts is not None and ItemStatus.FAILED in counts.by_status:
            marks = self._add_failure_reasons(marks, counts)
        return marks

    def _add_skip_reasons(
        self, marks: HighWaterMarks, job: Job, counts: ItemCounts
    ) -> HighWaterMarks:
        numbers, before = counts.skip_reasons, marks.skip_reasons
        if before is None:
            return replace(marks, skip_reasons=dict(numbers))
        greater = _greater(numbers, before)
        for reason, number in greater.items():
            key = (job.job_type, reason)
            more = number - before.get(reason, 0)
            self._items_skipped[key] = self._items_skipped.get(key, 0) + more
        return replace(marks, skip_reasons={**before, **greater}) if greater else marks

    def _add_failure_reasons(self, marks: HighWaterMarks, counts: ItemCounts) -> HighWaterMarks:
        numbers, before = counts.failure_reasons, marks.failure_reasons
        if before is None:
            return replace(marks, failure_reasons=dict(numbers))
        greater = _greater(numbers, before)
        for reason, number in greater.items():
            self._items_failed[reason] += number - before.get(reason, 0)
        return replace(marks, failure_reasons={**before, **greater}) if greater else marks

    def _add_end(self, marks: HighWaterMarks, job: Job) -> HighWaterMarks:
        if job.status in marks.ended_as:
            return marks
        key = (job.job_type, job.status)
        self._jobs_finished[key] = self._jobs_finished.get(key, 0) + 1
        return replace(marks, ended_as=marks.ended_as | {job.status})


def _without_counted_only(counters: Counters) -> Counters:
    items = {
        (job_type, status): number
        for (job_type, status), number in counters.items_finished.items()
        if status not in _COUNTED_ONLY
    }
    return replace(
        counters, items_finished=items, items_failed={}, items_skipped={}, item_duration={}
    )


def _greater(numbers: Mapping[str, int], marks: Mapping[str, int]) -> dict[str, int]:
    """Return the numbers that are greater than their marks; a reason without a mark has 0."""
    return {reason: number for reason, number in numbers.items() if number > marks.get(reason, 0)}
