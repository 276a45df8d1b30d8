"""Batches that were mapped before they were first listed: they may have ended or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.actions import CountItems, FetchStatus

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob
    from exporter.core.rules import Rules
    from exporter.domain import Job, JobRefreshed, Memory


# A job that cannot be read waits for at most 32 polls.
_MOST_DOUBLINGS = 5


@dataclass(slots=True)
class Unread:
    """One unread job, which is counted once its ``status`` was fetched.

    It is not read before the poll with the number ``next_poll``. ``failures`` counts failures in a
    row. ``read_twice_in`` is the number of the last poll in which it was read twice.
    """

    job: Job
    memory: Memory = None
    status: JobRefreshed | None = None
    failures: int = 0
    next_poll: int = 0
    is_under_way: bool = False
    read_twice_in: int = 0


class UnreadJobs:
    """Owns the unread jobs, which have no series. The job that was updated last is read first.

    Each is read at most once a poll, or twice if a second answer decides. After a failure, a job
    waits for one poll, then two, four and so on.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Unread] = {}
        self._poll = 0

    def __len__(self) -> int:
        """Count them."""
        return len(self._jobs)

    def get(self, job_id: str) -> Unread | None:
        """Return an unread job, ``None`` if there is none with this id."""
        return self._jobs.get(job_id)

    @property
    def waiting(self) -> list[Unread]:
        """The jobs that wait for their turn in this poll."""
        unread = self._jobs.values()
        return [u for u in unread if not u.is_under_way and u.next_poll <= self._poll]

    @property
    def is_drained(self) -> bool:
        """Whether no job is under way, or waits for its turn in this poll."""
        return not self.waiting and not any(u.is_under_way for u in self._jobs.values())

    def add(self, job: Job) -> None:
        """Add a job, or replace it by a newer row."""
        self._jobs.setdefault(job.id, Unread(job)).job = job

    def discard(self, job_id: str) -> None:
        """Forget a job that was read, or need not be."""
        self._jobs.pop(job_id, None)

    def drop(self, api_version: str) -> None:
        """Forget the jobs of a generation of the API that is set aside."""
        self._jobs = {id_: u for id_, u in self._jobs.items() if u.job.api_version != api_version}

    def drop_older_than(self, moment: float) -> list[Job]:
        """Forget the jobs that were last updated before a Unix time, and return them."""
        old = [unread.job for unread in self._jobs.values() if 0 < _updated_at(unread.job) < moment]
        for job in old:
            self.discard(job.id)
        return old

    def begin_poll(self) -> None:
        """Allow each job another turn."""
        self._poll += 1

    def next(self, rules: Rules, now: float) -> RefreshJob | None:
        """Return the next step of a job, if one waits."""
        unread = max(self.waiting, key=_urgency, default=None)
        if unread is None:
            return None
        job = unread.job
        unread.is_under_way, unread.next_poll = True, self._poll + 1
        if unread.status is None:
            return FetchStatus(job, unread.memory, now)
        return CountItems(job, unread.memory, rules.count_limits(job), now)

    def status_fetched(self, status: JobRefreshed, memory: Memory) -> None:
        """Have a job counted next, after its status was fetched."""
        unread = self._jobs[status.job.id]
        unread.job, unread.memory, unread.status = status.job, memory, status
        self.put_back(status.job.id)

    def read_again(self, job_id: str, memory: Memory, *, is_soon: bool) -> None:
        """Have a job read again, in this poll or the next, because too little is known."""
        unread = self._jobs[job_id]
        unread.memory, unread.status, unread.failures = memory, None, 0
        unread.is_under_way = False
        if is_soon and unread.read_twice_in != self._poll:
            unread.read_twice_in = unread.next_poll = self._poll

    def failed(self, job_id: str) -> None:
        """Have a job read again in a later poll."""
        unread = self._jobs[job_id]
        unread.status, unread.is_under_way = None, False
        unread.next_poll = self._poll + 2**unread.failures
        unread.failures = min(unread.failures + 1, _MOST_DOUBLINGS)

    def put_back(self, job_id: str) -> None:
        """Allow a job its next turn in this poll."""
        unread = self._jobs[job_id]
        unread.is_under_way, unread.next_poll = False, self._poll


def _urgency(unread: Unread) -> tuple[bool, bool, float]:
    return unread.status is not None, not unread.failures, _updated_at(unread.job)


def _updated_at(job: Job) -> float:
    return job.updated_at or job.created_at or 0.0
