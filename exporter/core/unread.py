"""Batches that were mapped before they were first listed: nothing tells yet whether they ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.actions import CountItems, FetchStatus

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob
    from exporter.core.rules import Rules
    from exporter.domain import Job, JobRefreshed, Memory


# Some quarters of an hour: one that cannot be read must not keep the others waiting.
_MOST_DOUBLINGS = 5


@dataclass(slots=True)
class Unread:
    """One unread job; it is to be counted once its status was fetched.

    It is not read before the ``next_poll``-th poll, after so many ``failures`` in a row.
    """

    job: Job
    memory: Memory = None
    status: JobRefreshed | None = None
    failures: int = 0
    next_poll: int = 0
    reads_in_poll: int = 0


class UnreadJobs:
    """Owns the unread jobs, which have no series; the one that was updated last is read first.

    Each is read at most once a poll, and once more where another answer decides. What cannot be
    read waits for one poll, then two, four and so on.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Unread] = {}
        self._had_turn: set[str] = set()
        self._under_way: set[str] = set()
        self._poll = 0

    def __len__(self) -> int:
        """Count them."""
        return len(self._jobs)

    def get(self, job_id: str) -> Unread | None:
        """Return an unread job, ``None`` if there is none with this id."""
        return self._jobs.get(job_id)

    @property
    def waiting(self) -> int:
        """How many wait for their turn in this poll."""
        return len(self._waiting())

    @property
    def is_drained(self) -> bool:
        """Whether none is under way, or waits for its turn in this poll."""
        return not self._under_way and not self.waiting

    def add(self, job: Job) -> None:
        """Add a job, or replace it by what a newer row says of it."""
        self._jobs.setdefault(job.id, Unread(job)).job = job

    def discard(self, job_id: str) -> None:
        """Forget a job that was read, or need not be."""
        self._jobs.pop(job_id, None)
        self._had_turn.discard(job_id)
        self._under_way.discard(job_id)

    def drop(self, api_version: str) -> None:
        """Forget the jobs of a generation of the API that is set aside."""
        for unread in list(self._jobs.values()):
            if unread.job.api_version == api_version:
                self.discard(unread.job.id)

    def drop_older_than(self, moment: float) -> list[Job]:
        """Forget the jobs that were last updated before a Unix time, and return them."""
        old = [unread.job for unread in self._jobs.values() if 0 < _updated_at(unread.job) < moment]
        for job in old:
            self.discard(job.id)
        return old

    def begin_poll(self) -> None:
        """Let each have a turn again."""
        self._poll += 1
        self._had_turn.clear()
        for unread in self._jobs.values():
            unread.reads_in_poll = 0

    def next(self, rules: Rules, now: float) -> RefreshJob | None:
        """Hand out the next step of the job whose turn it is, if there is one."""
        waiting = self._waiting()
        if not waiting:
            return None
        unread = max(waiting, key=_urgency)
        job = unread.job
        self._had_turn.add(job.id)
        self._under_way.add(job.id)
        if unread.status is None:
            return FetchStatus(job, unread.memory, now)
        return CountItems(job, unread.memory, rules.count_limits(job), now)

    def status_fetched(self, status: JobRefreshed, memory: Memory) -> None:
        """Have a job counted, whose status was fetched."""
        unread = self._jobs[status.job.id]
        unread.job, unread.memory, unread.status = status.job, memory, status
        self.give_back(status.job.id)

    def read_again(self, job_id: str, memory: Memory, *, is_soon: bool) -> None:
        """Read a job anew, of which too little was told: in this poll, or in the next."""
        unread = self._jobs[job_id]
        unread.memory, unread.status, unread.failures = memory, None, 0
        unread.reads_in_poll += 1
        self._under_way.discard(job_id)
        if is_soon and unread.reads_in_poll == 1:
            self._had_turn.discard(job_id)

    def failed(self, job_id: str) -> None:
        """Read a job anew in one of the next polls."""
        unread = self._jobs[job_id]
        unread.status = None
        unread.next_poll = self._poll + 2**unread.failures
        unread.failures = min(unread.failures + 1, _MOST_DOUBLINGS)
        self._under_way.discard(job_id)

    def give_back(self, job_id: str) -> None:
        """Let a job have its next turn in this poll."""
        self._had_turn.discard(job_id)
        self._under_way.discard(job_id)

    def _waiting(self) -> list[Unread]:
        taken = self._had_turn | self._under_way
        return [
            unread
            for job_id, unread in self._jobs.items()
            if job_id not in taken and unread.next_poll <= self._poll
        ]


def _urgency(unread: Unread) -> tuple[bool, bool, float]:
    return unread.status is not None, not unread.failures, _updated_at(unread.job)


def _updated_at(job: Job) -> float:
    return job.updated_at or job.created_at or 0.0
