"""Which job is refreshed next."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.core.due import DueJobs


class RefreshQueue:
    """Hands out jobs in rounds: each at most once a poll, and none twice before all had a turn.

    A round that a poll does not finish goes on in the next. Each has a place for one job of low
    priority; the others of them come when nothing else is left. So no job starves, however few
    requests the budget allows. A job whose status was fetched is counted before the next one.
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
        """Whether jobs of the current round have not had their turn, or not all of it."""
        return bool(self._round or self._under_way)

    def is_drained(self, now: float) -> bool:
        """Tell whether no job is under way, and none is to be handed out before the next poll."""
        return not self._under_way and self._next_of(now) is None

    def begin_poll(self) -> None:
        """Let every job have a turn again, after a listing."""
        self._done_in_poll.clear()
        self._round_begun_in_poll = False
        self.is_open = True

    def pause(self) -> None:
        """Hand out no further job until the next poll begins."""
        self.is_open = False

    def take_to_count(self) -> str | None:
        """Hand out the next job whose status was fetched, if there is one."""
        return self._to_count.popleft() if self._to_count else None

    def take(self, now: float) -> str | None:
        """Hand out the next job, or ``None`` where there is nothing to do."""
        queue = self._next_of(now)
        if queue is None:
            return None
        job_id = queue.popleft()
        self._under_way.add(job_id)
        return job_id

    def count_next(self, job_id: str) -> None:
        """Hand a job out once more, to be counted; it stays under way until then."""
        self._to_count.append(job_id)

    def done(self, job_id: str) -> None:
        """Note that a job had its turn."""
        self._under_way.discard(job_id)
        self._done_in_poll.add(job_id)

    def give_back(self, job_id: str) -> None:
        """Let a job have its turn anew, before all others."""
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
        self._round.extend(filter(self._may_take, due.regular))
        self._low_priority = deque(filter(self._may_take, due.low_priority))
        if self._low_priority:
            self._round.append(self._low_priority.popleft())

    def _skip(self, queue: deque[str], now: float) -> bool:
        """Drop the jobs at the head that are not to be taken; tell whether one is left."""
        while queue and not (self._may_take(queue[0]) and self._is_due(queue[0], now)):
            queue.popleft()
        return bool(queue)

    def _may_take(self, job_id: str) -> bool:
        return job_id not in self._done_in_poll and job_id not in self._under_way
