"""The queue of the jobs that are due for a refresh."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.core.due import DueJobs


class RefreshQueue:
    """A queue that works in rounds: each job at most once a poll, and once in each round.

    A round that a poll does not finish continues in the next, so no job starves, however small the
    budget. A round includes one job of low priority; the others follow when nothing else is left.
    A job whose status was fetched is counted before the next job starts.
    """

    def __init__(
        self, list_due: Callable[[float], DueJobs], is_due: Callable[[str, float], bool]
    ) -> None:
        self._list_due = list_due
        self._is_due = is_due
        self._round: deque[str] = deque()
        self._low_priority: deque[str] = deque()
        self._to_count: deque[str] = deque()
        self._done_in_poll: set[str] = set()
        self._under_way: set[str] = set()
        self.is_open = False
        self._round_begun_in_poll = False

    def __len__(self) -> int:
        """Count the jobs that wait for their turn."""
        return len(self._to_count) + len(self._round) + len(self._low_priority)

    @property
    def is_unfinished(self) -> bool:
        """Whether jobs of the current round are left or under way."""
        return bool(self._round or self._under_way)

    def is_drained(self, now: float) -> bool:
        """Return whether no job is under way or left; jobs that are no longer due are dropped."""
        return not self._under_way and self._next_of(now) is None

    def begin_poll(self) -> None:
        """Allow each job another refresh, after a listing."""
        self._done_in_poll.clear()
        self._round_begun_in_poll = False
        self.is_open = True

    def pause(self) -> None:
        """Start no further job until the next poll begins."""
        self.is_open = False

    def next_to_count(self) -> str | None:
        """Return the next job whose status was fetched, if there is one."""
        return self._to_count.popleft() if self._to_count else None

    def next_job(self, now: float) -> str | None:
        """Start the next job, in the order of ``due_jobs``, and return its id.

        Jobs of low priority are last. ``None`` is returned if no job is left.
        """
        queue = self._next_of(now)
        if queue is None:
            return None
        job_id = queue.popleft()
        self._under_way.add(job_id)
        return job_id

    def queue_count(self, job_id: str) -> None:
        """Queue a job for its count; it stays under way until then."""
        self._to_count.append(job_id)

    def done(self, job_id: str) -> None:
        """Record that the refresh of a job is over."""
        self._under_way.discard(job_id)
        self._done_in_poll.add(job_id)

    def put_back(self, job_id: str) -> None:
        """Put a job first, because its refresh was abandoned."""
        self._under_way.discard(job_id)
        self._round.appendleft(job_id)

    def _next_of(self, now: float) -> deque[str] | None:
        """Return the queue whose first job is next."""
        if not self.is_open:
            return None
        if self._skip(self._round, now):
            return self._round
        if not self._round_begun_in_poll:
            self._begin_round(now)
            if self._skip(self._round, now):
                return self._round
        return self._low_priority if self._skip(self._low_priority, now) else None

    def _begin_round(self, now: float) -> None:
        self._round_begun_in_poll = True
        due = self._list_due(now)
        self._round.extend(filter(self._may_start, due.regular))
        self._low_priority = deque(filter(self._may_start, due.low_priority))
        if self._low_priority:
            self._round.append(self._low_priority.popleft())

    def _skip(self, queue: deque[str], now: float) -> bool:
        """Drop jobs at the head that are not to start; return whether one is left."""
        while queue and not (self._may_start(queue[0]) and self._is_due(queue[0], now)):
            queue.popleft()
        return bool(queue)

    def _may_start(self, job_id: str) -> bool:
        return job_id not in self._done_in_poll and job_id not in self._under_way
