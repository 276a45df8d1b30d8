"""High-water marks: what each job has added to the counters, so that nothing counts twice."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the state file is read by these types
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import TYPE_CHECKING

from exporter.core.final_state import End  # noqa: TC001 - see above
from exporter.domain import ENDED_ITEM_STATUSES, ItemStatus, JobStatus, latest

if TYPE_CHECKING:
    from exporter.core.history import History
    from exporter.domain import ItemCounts, Job


@dataclass(frozen=True, slots=True)
class HighWaterMarks:
    """What one job has added.

    Unless it ``adds``, the job ended before the baseline, and adds nothing. ``items`` holds the
    greatest number seen in each status. If a status is missing, its first number adds nothing. The
    same holds for ``skip_reasons`` and ``failure_reasons`` as a whole, if they are ``None``.
    ``ends_seen`` are the ends of a job that left, or that was too old to be shown. ``given_up`` is
    true once it was reported that the items were never fully counted. ``unlisted_since`` is the
    Unix time of the first listing by ``api_version`` that did not show the job. ``was_mapped`` is
    ``None`` unless only items count that ended after the baseline; it is true if the job was mapped
    at the baseline.
    """

    adds: bool
    items: Mapping[ItemStatus, int]
    skip_reasons: Mapping[str, int] | None
    failure_reasons: Mapping[str, int] | None
    ended_as: frozenset[JobStatus] = frozenset()
    queue_observed: bool = False
    run_observed: bool = False
    turnaround_observed: bool = False
    items_observed: bool = False
    ends_seen: frozenset[End] = frozenset()
    given_up: bool = False
    unlisted_since: float | None = None
    api_version: str = "v1beta"
    was_mapped: bool | None = None


def first_marks(job: Job, history: History, *, is_first: bool) -> HighWaterMarks:
    """Start the marks of a job; ``is_first`` for the first listing of its generation of the API."""
    if counts_from_zero(job, history, is_first=is_first) or _has_not_begun(job):
        marks = from_zero()
    elif job.active:
        marks = from_zero() if job.told_by_items else from_first_numbers(job)
    else:
        marks = _adds_nothing(job)
    if job.told_by_items and _is_of_before(job, history, is_first=is_first):
        if marks.adds:
            return replace(marks, was_mapped=False)
        # Its file jobs may still run, and count. Its end does not.
        return without_end(replace(from_zero(), was_mapped=True), job)
    return marks


def counts_from_zero(job: Job, history: History, *, is_first: bool) -> bool:
    """Return whether a job was created after the baseline, or ended unseen after it.

    If dates contradict each other, a false increase is better than a missed failure.
    """
    counts_since = history.counts_since(job.api_version)
    ended_at = None if job.active else job.ended_at
    if ended_at is not None and counts_since is not None and ended_at < counts_since:
        return False
    undated = (job.created_at if job.active else ended_at) is None
    if undated and not is_first:
        return True
    newest = latest(job.created_at, ended_at)
    return newest is not None and newest >= (history.baseline_at or 0.0)


def from_zero() -> HighWaterMarks:
    """Start the marks of a job that counts from its beginning."""
    none_yet = dict.fromkeys(ENDED_ITEM_STATUSES, 0)
    return HighWaterMarks(adds=True, items=none_yet, skip_reasons={}, failure_reasons={})


def from_first_numbers(job: Job) -> HighWaterMarks:
    """Start the marks of a job that was under way before the baseline."""
    began_before = job.started_at is not None
    return HighWaterMarks(
        adds=True, items={}, skip_reasons=None, failure_reasons=None, queue_observed=began_before
    )


def has_more_failures(marks: HighWaterMarks, job: Job) -> bool:
    """Return whether a job reports more failed items than it was ever known to have."""
    known = marks.items.get(ItemStatus.FAILED)
    return known is not None and (job.failed_items or 0) > known


def with_failures_noted(marks: HighWaterMarks, counts: ItemCounts | None) -> HighWaterMarks:
    """Return the marks of a job that adds nothing, with its counted failures: later ones count."""
    counted = counts.by_status.get(ItemStatus.FAILED) if counts else None
    if counted is None or counted <= marks.items.get(ItemStatus.FAILED, -1):
        return marks
    return replace(marks, items={**marks.items, ItemStatus.FAILED: counted})


def reopened(marks: HighWaterMarks, job: Job, *, ended_again: bool) -> HighWaterMarks:
    """Return the marks of a job that adds nothing so far, but has changed after the baseline.

    A job that ended again without being seen active counts whole: a false increase is better than a
    missed failure. A job with more failed items than before adds only those.
    """
    if marks.adds:
        return marks
    if job.active or ended_again:
        opened = from_first_numbers(job) if job.active else from_zero()
        if job.told_by_items:
            opened = replace(from_zero(), was_mapped=True)
        return replace(opened, ends_seen=marks.ends_seen, api_version=marks.api_version)
    if not has_more_failures(marks, job):
        return marks
    return replace(
        marks,
        adds=True,
        ended_as=frozenset({job.status}),
        queue_observed=True,
        run_observed=True,
        turnaround_observed=True,
        items_observed=True,
    )


def without_end(marks: HighWaterMarks, job: Job) -> HighWaterMarks:
    """Return the marks of a job whose end adds nothing: it lies before the baseline."""
    return replace(
        marks,
        ended_as=marks.ended_as | {job.status},
        turnaround_observed=True,
        given_up=True,
    )


def listed_now(marks: HighWaterMarks) -> HighWaterMarks:
    """Return the marks of a job that a listing shows."""
    return marks if marks.unlisted_since is None else replace(marks, unlisted_since=None)


def longest_unlisted(marks: Mapping[str, HighWaterMarks], number: int) -> list[str]:
    """Return the ids of ``number`` jobs that are no longer listed, the longest unlisted first."""
    since = ((known.unlisted_since, job_id) for job_id, known in marks.items())
    unlisted = [(moment, job_id) for moment, job_id in since if moment is not None]
    return [job_id for _, job_id in nsmallest(max(number, 0), unlisted)]


def _is_of_before(job: Job, history: History, *, is_first: bool) -> bool:
    """Return whether a job was created before the baseline; without a date, whether it was seen."""
    if job.created_at is None:
        return is_first
    return job.created_at < (history.baseline_at or 0.0)


def _has_not_begun(job: Job) -> bool:
    """Return whether no item of a job can have ended yet."""
    reported = (job.processed_items, job.failed_items, job.skipped_items)
    return job.status is JobStatus.PENDING and job.started_at is None and not any(reported)


def _adds_nothing(job: Job) -> HighWaterMarks:
    """Start the marks of a job that ended before the baseline."""
    reported = {ItemStatus.FAILED: job.failed_items, ItemStatus.SKIPPED: job.skipped_items}
    items = {status: number for status, number in reported.items() if number is not None}
    return HighWaterMarks(adds=False, items=items, skip_reasons=None, failure_reasons=None)
