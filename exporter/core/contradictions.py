"""Which answer is used when the list and the status endpoint contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from operator import attrgetter

from exporter.domain import Job, JobType

# The list may be behind by one interval.
_CONTRADICTIONS_AT_FIRST = 3
_SAME_TIME_WITHIN_SECONDS = 1.0
_TIMES = tuple(field.name for field in fields(Job) if field.metadata.get("time"))
_OPTIONAL = tuple(field.name for field in fields(Job) if field.metadata.get("optional"))
_facts = attrgetter(*(field.name for field in fields(Job) if field.metadata.get("compared")))
_optional = attrgetter(*_OPTIONAL)


def is_same(one: Job, other: Job) -> bool:
    """Return whether two records of a job would be published alike."""
    facts: bool = _facts(one) == _facts(other)
    return facts


def agree(one: Job, other: Job) -> bool:
    """Return whether two records have the same values in all fields that both contain."""
    return all(map(_may_be_one, _facts(one), _facts(other)))


def with_facts_of(job: Job, other: Job | None) -> Job:
    """Return a job whose missing type and optional values come from the ``other`` record."""
    if other is None:
        return job
    if job.job_type is JobType.UNKNOWN and other.job_type is not JobType.UNKNOWN:
        job = replace(job, job_type=other.job_type)
    if None not in _optional(job):
        return job
    silent = [name for name in _OPTIONAL if getattr(job, name) is None]
    return replace(job, **{name: getattr(other, name) for name in silent})


def with_greater_failures(job: Job, other: Job | None) -> Job:
    """Return a job with the greater number of failed items of two records of one status.

    A record of an earlier end is ignored: the job was retried in between.
    """
    if other is None or other.status is not job.status or _ended_before(other, job):
        return job
    if (other.failed_items or 0) <= (job.failed_items or 0):
        return job
    return replace(job, failed_items=other.failed_items)


def _ended_before(one: Job, other: Job) -> bool:
    if one.completed_at is None or other.completed_at is None:
        return False
    return one.completed_at < other.completed_at - _SAME_TIME_WITHIN_SECONDS


def _may_be_one(mine: object, its: object) -> bool:
    # An unknown type or status may be any of them.
    if mine is None or its is None or JobType.UNKNOWN in (mine, its):
        return True
    if isinstance(mine, float) and isinstance(its, float):
        # The endpoints may write times with different precision.
        return abs(mine - its) <= _SAME_TIME_WITHIN_SECONDS
    return mine == its


def with_steady_times(job: Job, published: Job) -> Job:
    """Return a job that keeps published times that differ in precision only.

    It also keeps a creation date that one of the two endpoints leaves out.
    """
    steady = {
        name: before
        for name in _TIMES
        if (before := getattr(published, name)) is not None
        and _is_about(getattr(job, name), before, or_missing=name == "created_at")
    }
    return replace(job, **steady) if steady else job


def _is_about(time: float | None, before: float, *, or_missing: bool) -> bool:
    if time is None:
        return or_missing
    return time != before and abs(time - before) <= _SAME_TIME_WITHIN_SECONDS


@dataclass(frozen=True, slots=True)
class Answers:
    """The last records of one job from the list and from the status endpoint.

    ``contradictions`` counts, since the two last agreed, how often one of them repeated a record
    that the other contradicts. ``list_moved`` is true if the list changed last since then, false if
    the status endpoint did, and ``None`` if neither did.
    """

    listed: Job | None = None
    fetched: Job | None = None
    last_is_listed: bool | None = None
    contradictions: int = 0
    list_moved: bool | None = None

    @property
    def contradict(self) -> bool:
        """Whether the two contradict each other, rather than one being late."""
        return self.contradictions >= _CONTRADICTIONS_AT_FIRST

    def with_answer(self, job: Job, *, is_listed: bool) -> Answers:
        """Return the answers with a newer record."""
        own, other = (self.listed, self.fetched) if is_listed else (self.fetched, self.listed)
        listed, fetched = (job, self.fetched) if is_listed else (self.listed, job)
        if other is None or agree(other, job):
            return Answers(listed, fetched, is_listed)
        number, list_moved = self.contradictions, self.list_moved
        if own is not None and not is_same(own, job):
            list_moved = is_listed
        elif own is not None and self.last_is_listed is not is_listed:
            number += 1
        return Answers(listed, fetched, is_listed, number, list_moved)

    def other_than(self, *, is_listed: bool) -> Job | None:
        """Return the last record of the other endpoint."""
        return self.fetched if is_listed else self.listed

    def believes(self, job: Job, published: Job, *, is_listed: bool) -> bool:
        """Return whether the newest record replaces the one that is ``published``.

        It does unless the two endpoints contradict each other. Then the newer ``updated_at`` wins;
        without one, the endpoint that changed last; otherwise the list.
        """
        if not self.contradict or is_same(job, published):
            return True
        newer, older = job.updated_at, published.updated_at
        if newer is not None and older is not None and newer != older:
            return newer > older
        # The list of v2 has no numbers that the status lacks, and may be late.
        list_wins = not job.told_by_items if self.list_moved is None else self.list_moved
        return is_listed == list_wins


NO_ANSWERS = Answers()
