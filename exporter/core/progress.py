"""When a job last made progress: a value that changed, not one that merely became known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import latest

if TYPE_CHECKING:
    from exporter.core.tracked_job import TrackedJob

# LlamaCloud's Date has no fractions of a second.
_CLOCK_RESOLUTION_SECONDS = 1.0


def first_progress_at(tracked: TrackedJob, seen_at: float) -> float | None:
    """Return when a job that is seen for the first time last made progress.

    Only LlamaCloud's times count: with the current time, a restart would hide a stuck job.
    """
    job, counts = tracked.job, tracked.counts
    counted_at = None if counts is None else counts.newest_at
    times = (job.created_at, job.started_at, job.completed_at, counted_at)
    return latest(*(not_in_the_future(time, seen_at) for time in times))


def not_in_the_future(time: float | None, seen_at: float) -> float | None:
    """Return ``None`` for a time in the future, which would hide that a job is stuck."""
    if time is None or time > seen_at + _CLOCK_RESOLUTION_SECONDS:
        return None
    return min(time, seen_at)


def has_moved(before: TrackedJob, after: TrackedJob) -> bool:
    """Return whether a known value changed; a value that becomes known is no progress."""
    old, new = before.job, after.job
    if old is not new and (
        old.status is not new.status
        or _differ(old.total_items, new.total_items)
        or _differ(old.processed_items, new.processed_items)
        or _differ(old.failed_items, new.failed_items)
        or _differ(old.skipped_items, new.skipped_items)
    ):
        return True
    if _differ(before.progress_ratio, after.progress_ratio):
        return True
    counts, newer = before.counts, after.counts
    if counts is newer or counts is None or newer is None:
        return False
    return dict(counts.by_status) != dict(newer.by_status)


def _differ(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and before != after
