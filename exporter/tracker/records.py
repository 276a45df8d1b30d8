"""How one tracked job takes in a newer record, and what that tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import ItemStatus, JobStatus, latest
from exporter.tracker.ending import Ending
from exporter.tracker.state import JobChangedStatus, JobEnded, TrackedJob

if TYPE_CHECKING:
    from exporter.domain import Job
    from exporter.tracker.state import Event, TrackerRules


# LlamaCloud's Date has no fractions of a second.
_CLOCK_RESOLUTION_SECONDS = 1.0


def failing(tracked: TrackedJob) -> bool:
    """Tell whether a job failed or has failed items."""
    counted = tracked.counts.by_status.get(ItemStatus.FAILED, 0) if tracked.counts else 0
    return failing_record(tracked.job) or counted > 0


def failing_record(job: Job) -> bool:
    """Tell whether a job failed or reports failed items."""
    return job.status is JobStatus.FAILED or bool(job.failed_items)


def retention_seconds(rules: TrackerRules, *, is_failing: bool) -> float:
    """Tell how long an ended job stays."""
    return rules.retention_failed if is_failing else rules.retention_finished


def first_progress_at(job: Job, seen_at: float) -> float | None:
    """Tell when a job that is seen for the first time last made progress, by its own times.

    Never the moment of seeing it, or a restart of the exporter would hide a stuck job.
    """
    times = (job.created_at, job.started_at, job.completed_at)
    return latest(*(believable(time, seen_at) for time in times))


def believable(time: float | None, seen_at: float) -> float | None:
    """Leave out a time in the future: taken for now, it would make a stuck job look alive."""
    if time is None or time > seen_at + _CLOCK_RESOLUTION_SECONDS:
        return None
    return min(time, seen_at)


def with_record(
    tracked: TrackedJob, job: Job, *, asked_monotonic: float, seen_at: float, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Take in a record unless a newer one is known already."""
    if asked_monotonic < tracked.record_asked_monotonic:
        return tracked, ()
    before = tracked.job
    if job == before:
        return replace(tracked, record_asked_monotonic=asked_monotonic), ()
    moved = _changed(before, job)
    ends = not job.active and (tracked.ending is None or tracked.ending.is_another(job))
    events: tuple[Event, ...] = ()
    if job.active and job.status is not before.status:
        events = (JobChangedStatus(job, before.status),)
    elif ends:
        events = (JobEnded(job),)
    updated = replace(
        tracked,
        job=job,
        record_asked_monotonic=asked_monotonic,
        last_progress_at=latest(tracked.last_progress_at, seen_at if moved else None),
        changed_asked_monotonic=asked_monotonic,
    )
    return _with_ending(updated, before, now, ends=ends), events


def _with_ending(tracked: TrackedJob, before: Job, now: float, *, ends: bool) -> TrackedJob:
    known_ending = tracked.ending
    if tracked.job.active:
        return replace(tracked, ending=None) if known_ending is not None else tracked
    if ends:
        ending = Ending.of(
            tracked.job,
            ended_monotonic=now,
            asked_monotonic=tracked.record_asked_monotonic,
            ends_before=frozenset() if known_ending is None else known_ending.ends_seen,
        )
        if tracked.counts is None:
            # A job that has ended may be swept further than an active one.
            return replace(tracked, ending=ending, counted_total=None)
        return replace(tracked, ending=ending)
    if known_ending is not None and _published(tracked.job) != _published(before):
        return replace(tracked, ending=known_ending.record_changed(tracked.job))
    return tracked


def _published(job: Job) -> Job:
    return replace(job, updated_at=None, error_message=None)


def _changed(before: Job, after: Job) -> bool:
    """Tell progress from mere knowledge: a number that was not known before did not change."""
    if before.status is not after.status or before.total_items != after.total_items:
        return True
    pairs = (
        (before.processed_items, after.processed_items),
        (before.failed_items, after.failed_items),
        (before.skipped_items, after.skipped_items),
    )
    return any(old is not None and new is not None and old != new for old, new in pairs)
