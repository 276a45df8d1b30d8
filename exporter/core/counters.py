"""The counters: each job adds every increase once, and no counter falls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.item_counts import known_numbers
from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILURE_REASONS,
    FINISHED_STATUSES,
    ITEM_DURATION_BUCKETS,
    KNOWN_JOB_TYPES,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    QUEUE_DURATION_BUCKETS,
    RUN_DURATION_BUCKETS,
    Counters,
    Histogram,
    ItemStatus,
    JobStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.core.marks import HighWaterMarks
    from exporter.domain import ItemCounts, Job

_RUN_STATUSES = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
_COUNTED_ONLY = (ItemStatus.COMPLETED, ItemStatus.CANCELLED)


class CounterBook:
    """Owns a project's counters."""

    def __init__(self) -> None:
        types = KNOWN_JOB_TYPES
        reasons = (*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON)
        self._jobs_finished = {(t, status): 0 for t in types for status in FINISHED_STATUSES}
        self._items_finished = {(t, status): 0 for t in types for status in ENDED_ITEM_STATUSES}
        self._items_failed = dict.fromkeys(FAILURE_REASONS, 0)
        self._items_skipped = {(t, reason): 0 for t in types for reason in reasons}
        self._queue_duration = {t: Histogram.empty(QUEUE_DURATION_BUCKETS) for t in types}
        self._run_duration = {
            (t, status): Histogram.empty(RUN_DURATION_BUCKETS)
            for t in types
            for status in _RUN_STATUSES
        }
        self._turnaround_duration = {t: Histogram.empty(RUN_DURATION_BUCKETS) for t in types}
        self._item_duration = {t: Histogram.empty(ITEM_DURATION_BUCKETS) for t in types}

    def counters(self, *, items_enabled: bool = True) -> Counters:
        """Return the counters as they are now.

        Without ``items_enabled`` those that only counting tells are left out: they stand still.
        """
        counters = Counters(
            jobs_finished=dict(self._jobs_finished),
            items_finished=dict(self._items_finished),
            items_failed=dict(self._items_failed),
            items_skipped=dict(self._items_skipped),
            queue_duration=dict(self._queue_duration),
            run_duration=dict(self._run_duration),
            turnaround_duration=dict(self._turnaround_duration),
            item_duration=dict(self._item_duration),
        )
        return counters if items_enabled else _without_counted_only(counters)

    def restore(self, counters: Counters) -> None:
        """Go on from ``counters``."""
        for name in Counters.__slots__:
            getattr(self, f"_{name}").update(getattr(counters, name))

    def add(
        self,
        marks: HighWaterMarks,
        job: Job,
        counts: ItemCounts | None = None,
        *,
        items_are_final: bool = False,
    ) -> HighWaterMarks:
        """Add what a job shows beyond its high-water marks, and return its new marks."""
        if not marks.adds:
            return marks
        marks = self._add_items(marks, job, counts)
        marks = self._add_durations(marks, job)
        if not job.active:
            marks = self._add_end(marks, job)
        if counts is not None and items_are_final:
            marks = self._add_item_durations(marks, job, counts)
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

    def _add_durations(self, marks: HighWaterMarks, job: Job) -> HighWaterMarks:
        if not marks.queue_observed and job.queue_seconds is not None:
            queue = self._queue_duration
            before = queue.get(job.job_type) or Histogram.empty(QUEUE_DURATION_BUCKETS)
            queue[job.job_type] = before.observe(job.queue_seconds)
            marks = replace(marks, queue_observed=True)
        if job.active or job.status is JobStatus.GONE:
            return marks
        if not marks.run_observed and job.run_seconds is not None:
            key = (job.job_type, job.status)
            before = self._run_duration.get(key) or Histogram.empty(RUN_DURATION_BUCKETS)
            self._run_duration[key] = before.observe(job.run_seconds)
            marks = replace(marks, run_observed=True)
        if not marks.turnaround_observed and job.turnaround_seconds is not None:
            durations = self._turnaround_duration
            before = durations.get(job.job_type) or Histogram.empty(RUN_DURATION_BUCKETS)
            durations[job.job_type] = before.observe(job.turnaround_seconds)
            marks = replace(marks, turnaround_observed=True)
        return marks

    def _add_end(self, marks: HighWaterMarks, job: Job) -> HighWaterMarks:
        if job.status in marks.ended_as:
            return marks
        key = (job.job_type, job.status)
        self._jobs_finished[key] = self._jobs_finished.get(key, 0) + 1
        return replace(marks, ended_as=marks.ended_as | {job.status})

    def _add_item_durations(
        self, marks: HighWaterMarks, job: Job, counts: ItemCounts
    ) -> HighWaterMarks:
        """Add the durations of an ended job's items, once a job, if all were counted."""
        if marks.items_observed or not counts.whole:
            return marks
        before = self._item_duration.get(job.job_type) or Histogram.empty(ITEM_DURATION_BUCKETS)
        self._item_duration[job.job_type] = before.merge(counts.durations)
        return replace(marks, items_observed=True)


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
