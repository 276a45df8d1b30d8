"""Unread batches of v2: they were mapped before they were first listed, and may have ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.actions import CountItems, FetchStatus
from exporter.domain import JobStatus, latest

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob
    from exporter.core.generations import GenerationState
    from exporter.core.job_table import JobTable
    from exporter.core.marks import HighWaterMarks
    from exporter.core.rules import Rules
    from exporter.domain import Job, JobRefreshed, Listing, Memory


# A batch that cannot be read waits for at most 32 polls.
_MOST_DOUBLINGS = 5


@dataclass(slots=True)
class UnreadBatch:
    """One unread batch, which is counted after its ``status`` was fetched.

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


class UnreadBatches:
    """Owns the unread batches, which have no series; the last updated one is read first.

    Each is read at most once a poll, or twice if a second answer decides. After a failure, a batch
    waits for one poll, then two, four and so on.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, UnreadBatch] = {}
        self._poll = 0

    def __len__(self) -> int:
        """Count the unread batches."""
        return len(self._jobs)

    def get(self, job_id: str) -> UnreadBatch | None:
        """Return an unread batch, ``None`` if there is none with this id."""
        return self._jobs.get(job_id)

    @property
    def waiting(self) -> list[UnreadBatch]:
        """The batches that wait for their turn in this poll."""
        unread = self._jobs.values()
        return [u for u in unread if not u.is_under_way and u.next_poll <= self._poll]

    @property
    def is_drained(self) -> bool:
        """Whether no batch is under way, or waits for its turn in this poll."""
        return not self.waiting and not any(u.is_under_way for u in self._jobs.values())

    def add(self, job: Job) -> None:
        """Add a batch, or replace it by a newer row."""
        self._jobs.setdefault(job.id, UnreadBatch(job)).job = job

    def discard(self, job_id: str) -> None:
        """Forget a batch that was read, or need not be."""
        self._jobs.pop(job_id, None)

    def drop(self, api_version: str) -> None:
        """Forget the batches of an API generation that is set aside."""
        self._jobs = {id_: u for id_, u in self._jobs.items() if u.job.api_version != api_version}

    def drop_older_than(self, moment: float) -> list[Job]:
        """Forget the batches that were last updated before a Unix time, and return them."""
        old = [unread.job for unread in self._jobs.values() if 0 < _updated_at(unread.job) < moment]
        for job in old:
            self.discard(job.id)
        return old

    def begin_poll(self) -> None:
        """Allow each batch another turn."""
        self._poll += 1

    def next(self, rules: Rules, now: float) -> RefreshJob | None:
        """Return the next step of a batch, if one waits."""
        unread = max(self.waiting, key=_urgency, default=None)
        if unread is None:
            return None
        job = unread.job
        unread.is_under_way, unread.next_poll = True, self._poll + 1
        if unread.status is None:
            return FetchStatus(job, unread.memory, now)
        return CountItems(job, unread.memory, rules.count_limits(job), now)

    def status_fetched(self, status: JobRefreshed, memory: Memory) -> None:
        """Record that the status of a batch was fetched: it is counted next."""
        unread = self._jobs[status.job.id]
        unread.job, unread.memory, unread.status = status.job, memory, status
        self.put_back(status.job.id)

    def read_again(self, job_id: str, memory: Memory, *, is_soon: bool) -> None:
        """Queue a batch again, in this poll or the next, because too little is known."""
        unread = self._jobs[job_id]
        unread.memory, unread.status, unread.failures = memory, None, 0
        unread.is_under_way = False
        if is_soon and unread.read_twice_in != self._poll:
            unread.read_twice_in = unread.next_poll = self._poll

    def failed(self, job_id: str) -> None:
        """Queue a batch again for a later poll."""
        unread = self._jobs[job_id]
        unread.status, unread.is_under_way = None, False
        unread.next_poll = self._poll + 2**unread.failures
        unread.failures = min(unread.failures + 1, _MOST_DOUBLINGS)

    def put_back(self, job_id: str) -> None:
        """Allow a batch its next turn in this poll."""
        unread = self._jobs[job_id]
        unread.is_under_way, unread.next_poll = False, self._poll


def is_deferred(job: Job, table: JobTable, generation: GenerationState, listing: Listing) -> bool:
    """Return whether the row of an untracked job is not applied, and keep it if it is to be read.

    A job that the first listing shows as mapped may have ended long ago: it is unread until its
    items are counted, unless it changed since the last listing before a restart. Jobs that are too
    old, or whose end is known, are past.
    """
    history, unread = table.history, table.unread
    if not job.is_mapped:
        unread.discard(job.id)
        return _has_ended_as_unknown(job, history.marks.get(job.id))
    if unread.get(job.id) is not None:
        unread.add(job)
        return True
    marks, end = history.marks.get(job.id), (job.api_version, job.status)
    if marks is not None:
        return any(status is JobStatus.COMPLETED for status, _ in marks.ends_seen)
    if history.past.get(job.id) == end:
        return True
    was_listed = not generation.is_first_answer or history.news_since(job.api_version) is not None
    if was_listed and _is_new(job, _since(table, generation, job)):
        return False
    if generation.is_first_answer and not table.is_at_limit and _may_be_shown(job, table, listing):
        unread.add(job)
    else:
        history.past[job.id] = end
    return True


def _has_ended_as_unknown(job: Job, marks: HighWaterMarks | None) -> bool:
    """Return whether a job ended in an unknown status, and has not changed since."""
    if marks is None or job.status is not JobStatus.UNKNOWN:
        return False
    ends = [at for status, at in marks.ends_seen if status is JobStatus.UNKNOWN]
    return bool(ends) and (job.updated_at is None or job.updated_at in ends)


def _is_new(job: Job, since: float | None) -> bool:
    moment = latest(job.created_at, job.updated_at)
    return since is None or moment is None or moment >= since


def _since(table: JobTable, generation: GenerationState, job: Job) -> float | None:
    """Return the Unix time since when a job is new; truncated listings set no watermark."""
    since = table.history.news_since(job.api_version)
    return generation.news_since if since is None else since


def _may_be_shown(job: Job, table: JobTable, listing: Listing) -> bool:
    moment = job.created_at if job.updated_at is None else job.updated_at
    return moment is None or listing.ended_at - moment <= table.rules.retention_failed


def _urgency(unread: UnreadBatch) -> tuple[bool, bool, float]:
    return unread.status is not None, not unread.failures, _updated_at(unread.job)


def _updated_at(job: Job) -> float:
    return job.updated_at or job.created_at or 0.0
