"""The refreshes of one project: whose turn it is, and which of them fail."""

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
from exporter.core.jobs import with_failure
from exporter.core.poll import RefreshLatches
from exporter.core.queue import RefreshQueue
from exporter.domain import ErrorReason

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob
    from exporter.core.events import Event
    from exporter.core.generations import Generations
    from exporter.core.job_table import JobTable
    from exporter.core.jobs import TrackedJob
    from exporter.domain import Failure


# Slowly enough that the budget suffices for most rounds.
_PATIENCE_KEPT = 0.9


class Refreshes:
    """Owns the refresh queue, and what is known of refreshes that fail.

    ``patience`` is for how many seconds a job waits at most in which nothing moves. It grows while
    the budget is too small, and is zero where it suffices.
    """

    def __init__(self, table: JobTable, generations: Generations) -> None:
        self._table = table
        self._generations = generations
        self._queue = RefreshQueue(self._due, self._is_due)
        self._latches = RefreshLatches()
        self.patience = 0.0
        self._is_turn_of_unread = False
        # Jobs that are counted although their status could not be read.
        self._without_status: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many jobs wait for their turn in this round."""
        return len(self._queue) + len(self._table.unread.waiting)

    def is_drained(self, now: float) -> bool:
        """Tell whether nothing is under way or left to refresh before the next poll."""
        return self._table.unread.is_drained and self._queue.is_drained(now)

    def begin_poll(self, *, is_throttling: bool) -> None:
        """Let every job have a turn again, after a listing.

        Where the budget did not suffice for the last round, jobs in which nothing moves wait longer
        than before.
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
        """Report the failures that are over."""
        return [
            RefreshRecovered(reason) for reason in self._latches.poll_finished(self._is_unfinished)
        ]

    def pause(self) -> None:
        """Hand out no further job until the next poll."""
        self._queue.pause()

    def next(self, now: float) -> RefreshJob | None:
        """Hand out the next step of the job whose turn it is, if there is one."""
        while (job_id := self._queue.take_to_count()) is not None:
            if (count := self._count(job_id, now)) is not None:
                return count
        # So that unread jobs take half of the refreshes at most.
        self._is_turn_of_unread = not self._is_turn_of_unread
        if self._is_turn_of_unread and (action := self._read(now)) is not None:
            return action
        return self._refresh(now) or self._read(now)

    def _read(self, now: float) -> RefreshJob | None:
        return self._table.unread.next(self._table.rules, now) if self._queue.is_open else None

    def _refresh(self, now: float) -> RefreshJob | None:
        while (job_id := self._queue.take(now)) is not None:
            tracked = self._table.get(job_id)
            if tracked is not None and wants_status(tracked):
                return FetchStatus(tracked.job, tracked.memory, now)
            if (action := self._count(job_id, now)) is not None:
                return action
        return None

    def answered(self, tracked: TrackedJob, now: float, *, is_status: bool) -> None:
        """Have a job counted after its status was fetched, or note that it had its turn."""
        if is_status and self._is_to_be_counted(tracked, now):
            self._queue.count_next(tracked.job.id)
        else:
            self.done(tracked.job.id)

    def done(self, job_id: str) -> None:
        """Note that a job was refreshed, or is no longer there."""
        self._queue.done(job_id)
        if job_id in self._without_status:
            self._without_status.remove(job_id)
        else:
            self._latches.refreshed(job_id)

    def failed(self, action: RefreshJob, failure: Failure, now: float) -> list[Event]:
        """Note that a job could not be refreshed.

        Where its status was answered, but cannot be read, its items are counted all the same.
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
            self._queue.count_next(job_id)
        else:
            self._without_status.discard(job_id)
            self._queue.done(job_id)
        if failure.reason is ErrorReason.UNAUTHORIZED:
            # The key is refused now: the next listing tells whether it still is.
            self._queue.pause()
        is_news = self._latches.failed(job_id, failure.reason)
        return [RefreshFailed(job_id, failure)] if is_news else []

    def abandoned(self, job_id: str) -> None:
        """Note that a refresh was given up: the job is next again."""
        self._without_status.discard(job_id)
        if self._table.unread.get(job_id) is not None:
            self._table.unread.give_back(job_id)
        else:
            self._queue.give_back(job_id)

    def _count(self, job_id: str, now: float) -> CountItems | None:
        """Have a job counted, or note that it had its turn."""
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
        """Tell whether a job may be asked for: its generation of the API is in use."""
        return self._generations.is_offered(tracked.job.api_version)

    def _is_unfinished(self, job_id: str) -> bool:
        if self._table.unread.get(job_id) is not None:
            return True
        tracked = self._table.get(job_id)
        if tracked is None or not self._is_offered(tracked):
            return False
        return is_unfinished(tracked, self._table.rules)
