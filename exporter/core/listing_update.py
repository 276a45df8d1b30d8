"""The changes that the rows of a listing make: new jobs, newer records, ended jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.contradictions import NO_ANSWERS
from exporter.core.events import JobAppeared, JobEnded, JobReturned
from exporter.core.final_state import FinalState, has_ended_again, with_date, with_end
from exporter.core.marks import (
    HighWaterMarks,
    counts_from_zero,
    first_marks,
    has_more_failures,
    listed_now,
    reopened,
)
from exporter.core.tracked_job import TrackedJob, is_failing_record, with_record
from exporter.core.unread_batches import is_deferred

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.generations import Generations
    from exporter.core.job_table import JobTable
    from exporter.domain import Job, JobStatus, Listing


class ListingUpdate:
    """Applies the rows of one API generation in the ``number``-th listing, at the moment ``now``.

    ``is_over_limit`` is true once a job is left out because memory holds the most jobs it may.
    """

    def __init__(
        self,
        table: JobTable,
        generations: Generations,
        listing: Listing,
        *,
        number: int,
        api_version: str,
        now: float,
    ) -> None:
        self.events: list[Event] = []
        self.is_over_limit = False
        self._table = table
        self._history = table.history
        self._counters = table.counters
        self._generations = generations
        self._generation = generations[api_version]
        self._is_first = api_version not in self._history.answered
        self._listing = listing
        self._number = number
        self._api_version = api_version
        self._now = now

    def apply(self, job: Job) -> None:
        """Apply one row, unless another API generation in use lists the same job."""
        listed_by = self._history.api_version_of(job.id)
        if listed_by not in (None, self._api_version) and self._generations.is_offered(listed_by):
            return
        marks = self._history.marks.get(job.id)
        if marks is not None:
            self._history.marks[job.id] = listed_now(marks)
        tracked = self._table.get(job.id)
        if tracked is None and not is_deferred(job, self._table, self._generation, self._listing):
            self._apply_untracked(job, marks and listed_now(marks))
        if tracked is not None:
            self._apply_tracked(tracked, job)

    def _apply_tracked(self, before: TrackedJob, job: Job) -> None:
        asked = self._listing.asked_monotonic
        if before.job.api_version != job.api_version:
            before = replace(before, answers=NO_ANSWERS, memory=None)
            marks = self._history.marks[job.id]
            self._history.marks[job.id] = replace(marks, api_version=self._api_version)
        updated, events = with_record(
            before, job, asked_monotonic=asked, now=self._now, is_listed=True
        )
        updated = replace(updated, last_listed=self._number, not_found_in=None)
        self.events.extend(events)
        if updated.job is before.job:
            self._table.note(updated)
        else:
            self._counters.add_job(updated)
            self._table.update(before, updated, self._listing.ended_at, self._now)

    def _apply_untracked(self, job: Job, known: HighWaterMarks | None) -> None:
        if self._table.is_at_limit:
            self.is_over_limit = True
            return
        if (
            job.ended_at is None
            and not job.active
            and self._history.past.get(job.id) == self._end_of(job)
        ):
            # This end was seen before, with its date.
            return
        # Jobs of an API generation that was set aside left while active, without an end.
        ended_again = known is not None and (
            not known.ends_seen or has_ended_again(known.ends_seen, job)
        )
        has_failures = known is not None and has_more_failures(known, job)
        if known is None:
            marks = first_marks(job, self._history, is_first=self._is_first)
        else:
            counts = counts_from_zero(job, self._history, is_first=self._is_first)
            marks = reopened(known, job, ended_again=ended_again and counts)
        marks = replace(marks, api_version=self._api_version)
        reports_end = marks.adds and job.status not in marks.ended_as
        marks = self._counters.add_beyond(marks, job)
        if job.active:
            self._track(job, marks, None)
            self.events.append(JobAppeared(job))
        elif known is None or ended_again:
            self._apply_ended(job, marks, reports_end=reports_end or known is not None)
        elif has_failures:
            self._track(job, marks, self._final_state(job, marks, self._now))
            self.events.append(JobReturned(job))
        else:
            # The job was shown for its whole retention, and is not shown again.
            ends_seen = with_date(marks.ends_seen, job)
            self._history.marks[job.id] = replace(marks, ends_seen=ends_seen)

    def _apply_ended(self, job: Job, marks: HighWaterMarks, *, reports_end: bool) -> None:
        ended_monotonic = self._retention_began(job, counts=reports_end and marks.adds)
        if ended_monotonic is not None:
            self._track(job, marks, self._final_state(job, marks, ended_monotonic))
        elif reports_end or job.ended_at is None:
            # Without a date, only its marks can show later that it was seen before.
            ends_seen = with_end(marks.ends_seen, job)
            self._history.marks[job.id] = replace(marks, ends_seen=ends_seen)
            self._counters.give_up(job, None)
        else:
            self._history.past[job.id] = self._end_of(job)
        if reports_end:
            self.events.append(JobEnded(job))

    def _track(self, job: Job, marks: HighWaterMarks, final: FinalState | None) -> None:
        self._history.marks[job.id] = marks
        tracked = TrackedJob(
            job=job,
            record_asked_monotonic=self._listing.asked_monotonic,
            changed_asked_monotonic=self._listing.asked_monotonic,
            answers=NO_ANSWERS.with_answer(job, is_listed=True),
            last_listed=self._number,
            final=final,
        )
        self._table.add(tracked, self._listing.ended_at, self._now)

    def _end_of(self, job: Job) -> tuple[str, JobStatus]:
        return self._api_version, job.status

    def _retention_began(self, job: Job, *, counts: bool) -> float | None:
        """Return when the retention of a job began that ended unseen, ``None`` if it is over.

        A job that ``counts`` is tracked for longer, until its items are counted.
        """
        if job.ended_at is None and self._is_first:
            return None
        rules, is_failing = self._table.rules, is_failing_record(job)
        ended_at = self._listing.ended_at if job.ended_at is None else job.ended_at
        age_seconds = max(self._listing.ended_at - ended_at, 0.0)
        is_to_be_counted = counts and rules.items_enabled
        keep_seconds = rules.retention(is_failing=is_failing)
        if is_to_be_counted:
            keep_seconds = rules.longest_to_count(is_failing=is_failing)
        return None if age_seconds >= keep_seconds else self._now - age_seconds

    def _final_state(self, job: Job, marks: HighWaterMarks, ended_monotonic: float) -> FinalState:
        return FinalState(
            ended_monotonic=ended_monotonic,
            asked_monotonic=self._listing.asked_monotonic,
            ends_seen=with_end(marks.ends_seen, job),
            ended_before_first_sight=True,
        )
