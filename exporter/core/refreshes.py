"""The refreshes of one project: which job is next, and which refreshes fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.actions import CountItems, FetchStatus
from exporter.core.due import (
    DueJobs,
    count_can_wait,
    due_jobs,
    is_due,
    is_unfinished,
    wants_count,
    wants_status,
)
from exporter.core.events import RefreshFailed, RefreshRecovered
from exporter.core.final_state import LONGEST_WAIT_SECONDS
from exporter.core.poll import RefreshLatches
from exporter.core.queue import RefreshQueue
from exporter.core.tracked_job import with_failure
from exporter.domain import ErrorReason

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob
    from exporter.core.events import Event
    from exporter.core.generations import Generations
    from exporter.core.job_table import JobTable
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import Failure


# A slow decrease, so that the budget is enough for most rounds.
_PATIENCE_KEPT = 0.9


class Refreshes:
    """Owns the refresh queue, and the failures of refreshes.

    ``patience`` is the longest wait, in seconds, of a job that does not change. It grows while the
    budget is too small, and is zero while the budget is enough.
    """

    def __init__(self, table: JobTable, generations: Generations) -> None:
        self._table = table
        self._generations = generations
        self._queue = RefreshQueue(self._due, self._is_due)
        self._latches = RefreshLatches()
        self.patience = 0.0
        self._is_turn_of_unread = False
        # Jobs that are counted although their status was unreadable.
        self._without_status: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many jobs wait for a refresh in this round."""
        return len(self._queue) + len(self._table.unread.waiting)

    def is_drained(self, now: float) -> bool:
        """Return whether nothing is under way or left to refresh before the next poll."""
        return self._table.unread.is_drained and self._queue.is_drained(now)

    def begin_poll(self, *, is_throttling: bool) -> None:
        """Allow each job another refresh, after a listing.

        If the budget was too small for the last round, jobs that do not change wait longer.
        """
        interval = self._table.rules.interval
        if is_throttling and self._queue.is_unfinished:
            self.patience = min(max(2 * self.patience, interval), LONGEST_WAIT_SECONDS)
        else:
            self.patience *= _PATIENCE_KEPT
            if self.patience < interval:
                self.patience = 0.0
        self._queue.begin_poll()
        self._table.unread.begin_poll()

    def poll_finished(self) -> list[Event]:
        """Return events for the failures that are over."""
        return [
            RefreshRecovered(reason) for reason in self._latches.poll_finished(self._is_unfinished)
        ]

    def pause(self) -> None:
        """Start no further job until the next poll."""
        self._queue.pause()

    def next(self, now: float) -> RefreshJob | None:
        """Return the next step of a refresh, if there is one."""
        while (job_id := self._queue.next_to_count()) is not None:
            if (count := self._count_of(job_id, now)) is not None:
                return count
        # Unread batches get at most half of the refreshes.
        self._is_turn_of_unread = not self._is_turn_of_unread
        if self._is_turn_of_unread and (action := self._next_unread(now)) is not None:
            return action
        return self._next_tracked(now) or self._next_unread(now)

    def _next_unread(self, now: float) -> RefreshJob | None:
        return self._table.unread.next(self._table.rules, now) if self._queue.is_open else None

    def _next_tracked(self, now: float) -> RefreshJob | None:
        while (job_id := self._queue.next_job(now)) is not None:
            tracked = self._table.get(job_id)
            if tracked is not None and wants_status(tracked):
                return FetchStatus(tracked.job, tracked.memory, now)
            if (action := self._count_of(job_id, now)) is not None:
                return action
        return None

    def answered(self, tracked: TrackedJob, now: float, *, is_status: bool) -> None:
        """Queue a job for its count if its status was fetched, or finish its refresh."""
        if is_status and self._is_to_be_counted(tracked, now):
            self._queue.queue_count(tracked.job.id)
        else:
            self.done(tracked.job.id)

    def done(self, job_id: str) -> None:
        """Record that a job was refreshed, or is no longer tracked."""
        self._queue.done(job_id)
        if job_id in self._without_status:
            self._without_status.remove(job_id)
        else:
            self._latches.refreshed(job_id)

    def failed(self, action: RefreshJob, failure: Failure, now: float) -> list[Event]:
        """Record that a job could not be refreshed.

        If only its status was unreadable, its items are counted nevertheless.
        """
        job_id, tracked = action.job.id, self._table.get(action.job.id)
        if self._table.unread.get(job_id) is not None:
            self._table.unread.failed(job_id)
        if tracked is not None:
            tracked = with_failure(tracked, now, self._table.rules.interval)
            self._table.note(tracked)
        is_odd = failure.reason is ErrorReason.BAD_RESPONSE and isinstance(action, FetchStatus)
        is_odd = is_odd and not action.job.told_by_items
        if is_odd and tracked is not None and self._is_to_be_counted(tracked, now):
            self._without_status.add(job_id)
            self._queue.queue_count(job_id)
        else:
            self._without_status.discard(job_id)
            self._queue.done(job_id)
        if failure.reason is ErrorReason.UNAUTHORIZED:
            # The next listing shows whether the key is still refused.
            self._queue.pause()
        is_new = self._latches.failed(job_id, failure.reason)
        return [RefreshFailed(job_id, failure)] if is_new else []

    def abandoned(self, job_id: str) -> None:
        """Record that a refresh was abandoned: the job is next again."""
        self._without_status.discard(job_id)
        if self._table.unread.get(job_id) is not None:
            self._table.unread.put_back(job_id)
        else:
            self._queue.put_back(job_id)

    def _count_of(self, job_id: str, now: float) -> CountItems | None:
        """Return the count of a job, or finish its refresh if it needs none."""
        tracked = self._table.get(job_id)
        if tracked is None or not self._is_to_be_counted(tracked, now):
            self.done(job_id)
            return None
        limits = self._table.rules.count_limits(tracked.job)
        return CountItems(tracked.job, tracked.memory, limits, now)

    def _is_to_be_counted(self, tracked: TrackedJob, now: float) -> bool:
        if not self._is_offered(tracked):
            return False
        if not wants_count(tracked, self._table.rules, now):
            return False
        return not (self.patience > 0 and count_can_wait(tracked, now))

    def _due(self, now: float) -> DueJobs:
        offered = filter(self._is_offered, self._table)
        return due_jobs(offered, self._table.rules, now, self.patience)

    def _is_due(self, job_id: str, now: float) -> bool:
        tracked = self._table.get(job_id)
        if tracked is None or not self._is_offered(tracked):
            return False
        return is_due(tracked, self._table.rules, now, self.patience)

    def _is_offered(self, tracked: TrackedJob) -> bool:
        """Return whether the API generation of a job is in use."""
        return self._generations.is_offered(tracked.job.api_version)

    def _is_unfinished(self, job_id: str) -> bool:
        if self._table.unread.get(job_id) is not None:
            return True
        tracked = self._table.get(job_id)
        if tracked is None or not self._is_offered(tracked):
            return False
        return is_unfinished(tracked, self._table.rules)
