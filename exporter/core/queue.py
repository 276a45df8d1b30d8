"""Which job is refreshed next, and how far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.core.jobs import TrackedJob
    from exporter.core.rules import Rules

# A count that has nothing new to expect is made after a quarter of an hour at the latest.
_COUNT_WAITS_AT_MOST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class DueJobs:
    """Ids of the jobs to refresh, oldest data first.

    ``low_priority`` are ended jobs of which only the items are unknown, newest first: those that
    had ended before they were seen, and those that could not be refreshed in time.
    """

    regular: list[str]
    low_priority: list[str]


def due_jobs(jobs: Iterable[TrackedJob], rules: Rules, now: float) -> DueJobs:
    """List the jobs that are to be refreshed at the monotonic moment ``now``."""
    regular: list[tuple[float, str]] = []
    low_priority: list[tuple[float, str]] = []
    for tracked in jobs:
        asked, final = tracked.status_asked_monotonic, tracked.final
        oldest_first = (float("-inf") if asked is None else asked, tracked.job.id)
        if final is None:
            regular.append(oldest_first)
        elif is_due(tracked, rules):
            if final.is_recent(now):
                regular.append(oldest_first)
            else:
                low_priority.append((-final.ended_monotonic, tracked.job.id))
    return DueJobs(
        regular=[job_id for _, job_id in sorted(regular)],
        low_priority=[job_id for _, job_id in sorted(low_priority)],
    )


def is_due(tracked: TrackedJob, rules: Rules) -> bool:
    """Tell whether a job is still to be refreshed."""
    final = tracked.final
    return final is None or not final.is_complete(items_enabled=rules.items_enabled)


def wants_status(tracked: TrackedJob) -> bool:
    """Tell whether a job's status is to be fetched: not again once its final one is known."""
    return tracked.final is None or not tracked.final.status_known


def wants_count(tracked: TrackedJob, rules: Rules, now: float) -> bool:
    """Tell whether a job's items are to be counted after its status was fetched.

    A job with too many items is counted again when it grew, or else every quarter of an hour: some
    statuses may have become few enough.
    """
    if not rules.items_enabled:
        return False
    if tracked.final is not None:
        return not tracked.final.items_known
    as_before = tracked.total_items_at_last_count == tracked.job.total_items
    return not (tracked.counts is None and as_before and _was_counted_lately(tracked, now))


def count_can_wait(tracked: TrackedJob, now: float) -> bool:
    """Tell whether a count may wait while others are more urgent.

    That is so while nothing has changed since the last one, and for a quarter of an hour at most:
    items may move without their job showing it.
    """
    asked = tracked.items_asked_monotonic
    if tracked.final is not None or tracked.counts is None or asked is None:
        return False
    return tracked.changed_asked_monotonic < asked and _was_counted_lately(tracked, now)


def _was_counted_lately(tracked: TrackedJob, now: float) -> bool:
    asked = tracked.items_asked_monotonic
    return asked is not None and now - asked < _COUNT_WAITS_AT_MOST_SECONDS


class RefreshQueue:
    """Hands out jobs in rounds: each at most once a poll, and none twice before all had a turn.

    A round that a poll does not finish goes on in the next. Each has a place for one job of low
    priority; the others of them come when nothing else is left. So no job starves, however few
    requests the budget allows. A job whose status was fetched is counted before the next one.
    """

    def __init__(self, list_due: Callable[[float], DueJobs], is_due: Callable[[str], bool]) -> None:
        self._list_due = list_due
        self._is_due = is_due
        self._round: deque[str] = deque()
        self._low_priority: deque[str] = deque()
        self._to_count: deque[str] = deque()
        self._done_in_poll: set[str] = set()
        self._under_way: set[str] = set()
        self._open = False
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
        self._open = True

    def pause(self) -> None:
        """Hand out no further job until the next poll begins."""
        self._open = False

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
        if not self._open:
            return None
        if self._skip(self._round):
            return self._round
        if not self._round_begun_in_poll:
            self._begin_round(now)
            if self._skip(self._round):
                return self._round
        return self._low_priority if self._skip(self._low_priority) else None

    def _begin_round(self, now: float) -> None:
        self._round_begun_in_poll = True
        due = self._list_due(now)
        self._round.extend(filter(self._may_take, due.regular))
        self._low_priority = deque(filter(self._may_take, due.low_priority))
        if self._low_priority:
            self._round.append(self._low_priority.popleft())

    def _skip(self, queue: deque[str]) -> bool:
        """Drop the jobs at the head that are not to be taken; tell whether one is left."""
        while queue and not (self._may_take(queue[0]) and self._is_due(queue[0])):
            queue.popleft()
        return bool(queue)

    def _may_take(self, job_id: str) -> bool:
        return job_id not in self._done_in_poll and job_id not in self._under_way
