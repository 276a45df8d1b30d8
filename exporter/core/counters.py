"""The counters: each job adds every increase once, and no counter decreases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from exporter.core.counter_values import CounterValues
from exporter.core.durations import add_durations, add_item_durations, start_durations
from exporter.core.events import JobGivenUp
from exporter.core.item_counts import items_not_ended
from exporter.core.marks import reopened, with_failures_noted, without_end
from exporter.domain import ENDED_ITEM_STATUSES, ItemCounts, ItemStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.core.history import History
    from exporter.core.marks import HighWaterMarks
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import ItemsCounted, Job

_Label = TypeVar("_Label")


class ProjectCounters:
    """Owns a project's counters; the marks in ``history`` are what each job has added to them."""

    def __init__(self, history: History) -> None:
        self.values = CounterValues()
        self._history = history
        self._given_up: list[JobGivenUp] = []

    @property
    def _baseline_at(self) -> float:
        return self._history.baseline_at or 0.0

    def add_job(self, tracked: TrackedJob, *, leaves: bool = False) -> None:
        """Add to the counters what a job shows beyond its marks, for the last time if it leaves."""
        job, final = tracked.job, tracked.final
        ended_again = final is not None and not final.ended_before_first_sight
        after_baseline = job.ended_at is None or job.ended_at >= self._baseline_at
        before = self._history.marks[job.id]
        marks = reopened(before, job, ended_again=ended_again and after_baseline)
        is_final = final is not None and (final.items_known or leaves)
        if not marks.adds:
            marks = with_failures_noted(marks, tracked.counts)
        if marks.was_mapped and self._ended_before_baseline(job):
            marks = without_end(marks, job)
        adds, counts = _what_adds(tracked, items_enabled=self._history.rules.items_enabled)
        self._history.marks[job.id] = self.add_beyond(marks, adds, counts, items_are_final=is_final)
        if is_final and items_not_ended(tracked) != 0:
            self.give_up(job, items_not_ended(tracked))

    def _ended_before_baseline(self, job: Job) -> bool:
        ended_at = job.completed_at
        return not job.active and ended_at is not None and ended_at < self._baseline_at

    def counts_to_add(self, answer: ItemsCounted) -> ItemCounts | None:
        """Return which items of a batch add to the counters, ``None`` if all do."""
        was_mapped = self._history.marks[answer.job_id].was_mapped
        if was_mapped is None:
            return None
        return answer.counts_after(self._baseline_at, was_mapped=was_mapped)

    def give_up(self, job: Job, items_not_ended: int | None) -> None:
        """Report, once a job, that the items of an ended job are no longer requested.

        A job that ended before the baseline has nothing to count, and is not reported.
        """
        marks = self._history.marks[job.id]
        if self._history.rules.items_enabled and marks.adds and not marks.given_up:
            self._history.marks[job.id] = replace(marks, given_up=True)
            self._given_up.append(JobGivenUp(job, items_not_ended))

    def pop_given_up(self) -> list[JobGivenUp]:
        """Return the jobs that were given up since the last call."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def add_beyond(
        self,
        marks: HighWaterMarks,
        job: Job,
        counts: ItemCounts | None = None,
        *,
        items_are_final: bool = False,
    ) -> HighWaterMarks:
        """Add what a job shows beyond its high-water marks, and return its new marks."""
        start_durations(self.values, job)
        if not marks.adds:
            return marks
        after = add_durations(self.values, self._add_items(marks, job, counts), job)
        if not job.active and job.status not in marks.ended_as:
            _add(self.values.jobs_finished, (job.job_type, job.status), 1)
            after = replace(after, ended_as=marks.ended_as | {job.status})
        if counts is not None and items_are_final:
            after = add_item_durations(self.values, after, job, counts)
        # The state file keeps the encoded form of marks that are the same object.
        return marks if after == marks else after

    def _add_items(
        self, marks: HighWaterMarks, job: Job, counts: ItemCounts | None
    ) -> HighWaterMarks:
        numbers = _known_numbers(job, counts)
        for status, more in _increases(numbers, marks.items).items():
            # The first number of a job that was under way before the baseline adds nothing.
            if status in marks.items:
                _add(self.values.items_finished, (job.job_type, status), more)
        marks = replace(marks, items=_greatest(numbers, marks.items))
        if counts is not None and ItemStatus.SKIPPED in counts.by_status:
            before = counts.skip_reasons if marks.skip_reasons is None else marks.skip_reasons
            for reason, more in _increases(counts.skip_reasons, before).items():
                _add(self.values.items_skipped, (job.job_type, reason), more)
            marks = replace(marks, skip_reasons=_greatest(counts.skip_reasons, before))
        if counts is not None and ItemStatus.FAILED in counts.by_status:
            reasons, known = counts.failure_reasons, marks.failure_reasons
            before = reasons if known is None else known
            for reason, more in _increases(reasons, before).items():
                _add(self.values.items_failed, reason, more)
            marks = replace(marks, failure_reasons=_greatest(reasons, before))
        return marks


def _what_adds(tracked: TrackedJob, *, items_enabled: bool) -> tuple[Job, ItemCounts | None]:
    """Return the job and the counts that add to the counters."""
    job, counts = tracked.job, tracked.counts
    if not job.told_by_items:
        return job, counts
    # The job's own numbers include items that ended before the baseline.
    job = replace(job, failed_items=None)
    counts = tracked.counts_to_add or counts
    if counts is not None and not items_enabled:
        failed = ItemStatus.FAILED
        counts = ItemCounts({failed: counts.by_status[failed]})
    return job, counts


def _known_numbers(job: Job, counts: ItemCounts | None) -> dict[ItemStatus, int]:
    """Return how many items are known to be in each end state.

    A job itself also reports failed and skipped items. The greater number is used, so that no
    failure is missed if items are not counted.
    """
    known: dict[ItemStatus, int] = {}
    if counts is not None:
        counted = counts.by_status
        known = {status: counted[status] for status in ENDED_ITEM_STATUSES if status in counted}
    reported = {ItemStatus.FAILED: job.failed_items, ItemStatus.SKIPPED: job.skipped_items}
    for status, number in reported.items():
        if number is not None:
            known[status] = max(number, known.get(status, 0))
    return known


def _add(counter: dict[_Label, int], label: _Label, number: int) -> None:
    counter[label] = counter.get(label, 0) + number


def _increases(numbers: Mapping[_Label, int], marks: Mapping[_Label, int]) -> dict[_Label, int]:
    """Return by how much numbers exceed their marks, where they do; a missing mark is 0."""
    more = {label: number - marks.get(label, 0) for label, number in numbers.items()}
    return {label: number for label, number in more.items() if number > 0}


def _greatest(numbers: Mapping[_Label, int], marks: Mapping[_Label, int]) -> dict[_Label, int]:
    return {**marks, **{key: max(n, marks.get(key, 0)) for key, n in numbers.items()}}
