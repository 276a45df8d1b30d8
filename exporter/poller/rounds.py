"""Whose turn it is to be refreshed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.tracker import DueJobs


class Rounds:
    """Hands out jobs in rounds: each at most once a poll, and none twice before all had a turn.

    A round that a poll does not finish goes on in the next, so that no job starves however few
    requests the budget allows.
    """

    def __init__(self) -> None:
        self._round: deque[str] = deque()
        self._done_in_poll: set[str] = set()
        self._under_way: set[str] = set()
        self._open = False

    @property
    def is_idle(self) -> bool:
        """Whether no job is being refreshed."""
        return not self._under_way

    def begin_poll(self) -> None:
        """Let every job have a turn again, after a listing."""
        self._done_in_poll.clear()
        self._open = True

    def pause(self) -> None:
        """Hand out nothing until the next poll begins."""
        self._open = False

    def take(self, due: Callable[[], DueJobs], is_due: Callable[[str], bool]) -> str | None:
        """Hand out the next job, or ``None`` where there is nothing to do."""
        if not self._open:
            return None
        job_id = self._next_of_round(is_due) or self._next_of_new_round(due())
        if job_id is not None:
            self._under_way.add(job_id)
        return job_id

    def done(self, job_id: str) -> None:
        """Take a job back."""
        self._under_way.discard(job_id)
        self._done_in_poll.add(job_id)

    def _next_of_round(self, is_due: Callable[[str], bool]) -> str | None:
        while self._round:
            job_id = self._round.popleft()
            if self._may_take(job_id) and is_due(job_id):
                return job_id
        return None

    def _next_of_new_round(self, due: DueJobs) -> str | None:
        self._round.extend(job_id for job_id in due.regular if self._may_take(job_id))
        if self._round:
            return self._round.popleft()
        # Only when no other job waits, and one by one: they must not make a round long.
        return next((job_id for job_id in due.last_in_line if self._may_take(job_id)), None)

    def _may_take(self, job_id: str) -> bool:
        return job_id not in self._done_in_poll and job_id not in self._under_way
