"""Whose turn it is to be refreshed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from exporter.tracker import DueJobs


class DueSource(Protocol):
    """Knows which jobs are to be refreshed."""

    def due(self) -> DueJobs:
        """List the jobs to refresh."""

    def is_due(self, job_id: str) -> bool:
        """Tell whether a job is still to be refreshed."""


class Rounds:
    """Hands out jobs in rounds: each at most once a poll, and none twice before all had a turn.

    A round that a poll does not finish goes on in the next. Each has a place for one of the jobs
    that are last in line; the others of them come when nothing else is left. So no job starves,
    however few requests the budget allows.
    """

    def __init__(self, source: DueSource) -> None:
        self._source = source
        self._round: deque[str] = deque()
        self._last_in_line: deque[str] = deque()
        self._done_in_poll: set[str] = set()
        self._under_way: set[str] = set()
        self._open = False
        self._round_begun_in_poll = False

    @property
    def is_idle(self) -> bool:
        """Whether no job is being refreshed."""
        return not self._under_way

    @property
    def is_unfinished(self) -> bool:
        """Whether jobs of the current round have not had their turn, or not all of it."""
        return bool(self._round or self._under_way)

    def begin_poll(self) -> None:
        """Let every job have a turn again, after a listing."""
        self._done_in_poll.clear()
        self._round_begun_in_poll = False
        self._open = True

    def pause(self) -> None:
        """Hand out nothing until the next poll begins."""
        self._open = False

    def take(self) -> str | None:
        """Hand out the next job, or ``None`` where there is nothing to do."""
        if not self._open:
            return None
        job_id = self._next_of(self._round)
        if job_id is None and not self._round_begun_in_poll:
            self._begin_round()
            job_id = self._next_of(self._round)
        if job_id is None:
            job_id = self._next_of(self._last_in_line)
        if job_id is not None:
            self._under_way.add(job_id)
        return job_id

    def done(self, job_id: str) -> None:
        """Take a job back."""
        self._under_way.discard(job_id)
        self._done_in_poll.add(job_id)

    def _begin_round(self) -> None:
        self._round_begun_in_poll = True
        due = self._source.due()
        self._round.extend(job_id for job_id in due.regular if self._may_take(job_id))
        self._last_in_line = deque(filter(self._may_take, due.last_in_line))
        if self._last_in_line:
            self._round.append(self._last_in_line.popleft())

    def _next_of(self, queue: deque[str]) -> str | None:
        while queue:
            job_id = queue.popleft()
            if self._may_take(job_id) and self._source.is_due(job_id):
                return job_id
        return None

    def _may_take(self, job_id: str) -> bool:
        return job_id not in self._done_in_poll and job_id not in self._under_way
