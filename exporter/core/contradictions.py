"""Which of two answers is believed where the list and the status of a job contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.domain import Job

# The list may lag behind by an interval, and catch up.
_CONTRADICTIONS_AT_FIRST = 3
_COUNTS = ("total_items", "processed_items", "failed_items", "skipped_items")
_facts = attrgetter(
    *("status", "job_type", "directory_id"),
    *_COUNTS,
    *("created_at", "started_at", "completed_at"),
)
_counts = attrgetter(*_COUNTS)


def is_same(one: Job, other: Job) -> bool:
    """Tell whether two records of a job would be published alike."""
    facts: bool = _facts(one) == _facts(other)
    return facts


def agree(one: Job, other: Job) -> bool:
    """Tell whether two records contradict each other in nothing that both of them state."""
    pairs = zip(_facts(one), _facts(other), strict=True)
    return all(mine == its or mine is None or its is None for mine, its in pairs)


def with_counts_of(job: Job, other: Job | None) -> Job:
    """Return a job with the counts that it does not state, as the ``other`` record states them."""
    if other is None or None not in _counts(job):
        return job
    silent = [name for name in _COUNTS if getattr(job, name) is None]
    return replace(job, **{name: getattr(other, name) for name in silent})


@dataclass(frozen=True, slots=True)
class Answers:
    """What the list and the status endpoint said last of one job.

    ``contradictions`` is how often one of them repeated what the other one had contradicted, since
    they last agreed. ``list_moved`` tells which of the two said something new last, ``None`` if
    neither did since then.
    """

    listed: Job | None = None
    fetched: Job | None = None
    last_is_listed: bool | None = None
    contradictions: int = 0
    list_moved: bool | None = None

    @property
    def contradict(self) -> bool:
        """Whether the two contradict each other, and neither merely lags behind."""
        return self.contradictions >= _CONTRADICTIONS_AT_FIRST

    def with_answer(self, job: Job, *, is_listed: bool) -> Answers:
        """Return the answers with a newer one."""
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
        """Return what the other one of the two said last."""
        return self.fetched if is_listed else self.listed

    def believes(self, job: Job, published: Job, *, is_listed: bool) -> bool:
        """Tell whether the newest answer replaces what is ``published``.

        Whatever was asked for later does, unless the two contradict each other: then the newer
        ``updated_at`` does, without one whichever of the two moved last, or else the list.
        """
        if not self.contradict or is_same(job, published):
            return True
        newer, older = job.updated_at, published.updated_at
        if newer is not None and older is not None and newer != older:
            return newer > older
        return is_listed is (self.list_moved is not False)


NO_ANSWERS = Answers()
