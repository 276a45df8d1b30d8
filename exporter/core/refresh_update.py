"""The changes that an answer about one job makes, tracked or unread."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.batches import with_batch_answer
from exporter.core.contradictions import NO_ANSWERS
from exporter.core.events import ItemsFailed, JobAppeared, JobEnded
from exporter.core.item_counts import failures_summed_up, with_counts, with_nothing_counted
from exporter.core.marks import from_zero, without_end
from exporter.core.tracked_job import TrackedJob, is_failing, with_other_record, with_status
from exporter.domain import (
    ItemsCounted,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    NotCounted,
    NothingToCount,
)

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.job_table import JobTable
    from exporter.core.marks import HighWaterMarks
    from exporter.core.observations import Refreshed
    from exporter.domain import Job


class RefreshUpdate:
    """Applies an answer at the monotonic moment ``now``, after the ``number``-th listing."""

    def __init__(self, table: JobTable, *, number: int, now: float) -> None:
        self.events: tuple[Event, ...] = ()
        self._table = table
        self._history = table.history
        self._counters = table.counters
        self._number = number
        self._now = now

    def apply(self, before: TrackedJob, observation: Refreshed) -> TrackedJob:
        """Apply an answer about a tracked job, and return the updated job."""
        tracked, self.events, seen_at = self._answered(before, observation)
        # Failures of later counts are reported one by one.
        if before.counts is None and self._is_history(before, before.job.ended_at):
            self.events = failures_summed_up(tracked, self.events)
        self._counters.add_job(tracked)
        self._table.update(before, tracked, seen_at, self._now)
        self._note_failed_items()
        return tracked

    def apply_unread(self, observation: Refreshed) -> None:
        """Apply an answer about an unread job, and track it once its state is known."""
        answer, job, unread = observation.answer, observation.action.job, self._table.unread
        known = unread.get(job.id)
        if isinstance(answer, JobRefreshed) and answer.job.is_mapped:
            unread.status_fetched(answer, observation.memory)
        elif known is None:
            return
        elif known.status is None or isinstance(answer, JobRefreshed | JobNotFound):
            # The list still calls the batch mapped: wait until the two agree.
            unread.failed(job.id)
        elif _shows_state(observation):
            unread.discard(job.id)
            self._track(known.status, observation)
        else:
            # Results are read twice before they are final.
            is_soon = isinstance(answer, ItemsCounted)
            unread.read_again(job.id, observation.memory, is_soon=is_soon)

    def _track(self, status: JobRefreshed, observation: Refreshed) -> None:
        job = status.job
        self._history.marks[job.id] = self._first_marks(job)
        seen = TrackedJob(
            job=job,
            record_asked_monotonic=status.asked_monotonic,
            changed_asked_monotonic=status.asked_monotonic,
            answers=NO_ANSWERS,
            last_listed=self._number,
        )
        seen, _ = with_status(seen, status, self._now)
        tracked, events, _ = self._answered(seen, observation)
        ended_at = tracked.job.completed_at
        age_seconds = max(status.answered_at - (ended_at or status.answered_at), 0.0)
        if tracked.final is None:
            events = (JobAppeared(tracked.job), *events)
        else:
            ended_monotonic = self._now - age_seconds
            final = replace(
                tracked.final, ended_monotonic=ended_monotonic, ended_before_first_sight=True
            )
            tracked = replace(tracked, final=final, memory=None)
            if self._is_history(tracked, ended_at):
                events = tuple(e for e in events if not isinstance(e, JobEnded))
                events = failures_summed_up(tracked, events)
                marks = self._history.marks[job.id]
                self._history.marks[job.id] = without_end(marks, tracked.job)
        self._counters.add_job(tracked)
        self.events = events
        is_past = age_seconds >= self._table.rules.retention(is_failing=is_failing(tracked))
        if tracked.final is not None and is_past:
            self._history.job_left(job.id, tracked)
        else:
            self._table.add(tracked, status.answered_at, self._now)
            self._note_failed_items()

    def _note_failed_items(self) -> None:
        for event in self.events:
            if isinstance(event, ItemsFailed):
                self._table.recent.items_failed(event.job.id, event.items)

    def _first_marks(self, job: Job) -> HighWaterMarks:
        is_new = job.created_at is not None and job.created_at >= (self._history.baseline_at or 0.0)
        was_mapped = None if is_new else True
        return replace(from_zero(), api_version=job.api_version, was_mapped=was_mapped)

    def _answered(
        self, before: TrackedJob, observation: Refreshed
    ) -> tuple[TrackedJob, tuple[Event, ...], float | None]:
        """Apply an answer; return also the events, and the Unix time of the answer."""
        answer, asked_of, now = observation.answer, observation.action.job, self._now
        interval = self._table.rules.interval
        tracked = replace(before, memory=observation.memory)
        events: tuple[Event, ...] = ()
        seen_at: float | None = None
        match answer:
            case JobRefreshed(answered_at=seen_at):
                tracked, events = with_status(tracked, answer, now)
            case JobNotFound() if answer.asked_monotonic >= before.record_asked_monotonic:
                seen_at = answer.answered_at
                tracked, events = _with_not_found(tracked, answer, self._number, now)
            case ItemsCounted() | NothingToCount() | NotCounted() if tracked.job.told_by_items:
                tracked, events = with_batch_answer(tracked, answer, now)
                if isinstance(answer, ItemsCounted):
                    seen_at = answer.answered_at
                    tracked = replace(tracked, counts_to_add=self._counters.counts_to_add(answer))
            case ItemsCounted(answered_at=seen_at):
                tracked, events = with_counts(tracked, answer, asked_of, now, interval)
            case NotCounted():
                tracked = with_nothing_counted(tracked, answer, asked_of, now, interval)
        return tracked, events, seen_at

    def _is_history(self, tracked: TrackedJob, ended_at: float | None) -> bool:
        """Return whether a job ended unseen before the baseline, or was created before it."""
        final, baseline_at = tracked.final, self._history.baseline_at or 0.0
        moment = ended_at or tracked.job.created_at or 0.0
        return final is not None and final.ended_before_first_sight and moment < baseline_at


def _with_not_found(
    tracked: TrackedJob, answer: JobNotFound, listing_number: int, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a 404 for a job that the last listing did not show either.

    After 404s in two different listings, an active job is gone, and what is known of an ended one
    is final. ``listing_number`` is that of the last listing.
    """
    if tracked.not_found_in in (None, listing_number):
        return replace(tracked, not_found_in=listing_number), ()
    if tracked.final is not None:
        return replace(tracked, final=tracked.final.finalised()), ()
    record = replace(tracked.job, status=JobStatus.GONE)
    missed = replace(tracked, record_asked_monotonic=answer.asked_monotonic)
    gone, events = with_other_record(missed, record, now)
    return replace(gone, final=gone.final and gone.final.finalised()), events


def _shows_state(observation: Refreshed) -> bool:
    """Return whether a count shows an item that has not ended, or is final."""
    answer = observation.answer
    if isinstance(answer, ItemsCounted) and len(answer.ended) < answer.counts.total:
        return True
    return bool(getattr(answer, "is_over", False))
