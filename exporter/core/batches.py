"""Batches of v2: only counting their items reveals their numbers, progress and end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.events import JobEnded
from exporter.core.final_state import FinalState, with_date, with_end
from exporter.core.item_counts import with_failures_reported
from exporter.domain import ItemsCounted, ItemStatus, JobStatus, NotCounted, NothingToCount

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import Job

_UNKNOWN_ENDS_AFTER_SECONDS = 86_400.0


def with_counted_facts(row: Job, known: Job) -> Job:
    """Return the job of a row with the numbers and the end known from earlier counts.

    A completed job stays completed if a later row still calls it mapped.
    """
    if not row.told_by_items:
        return row
    job = replace(
        row,
        total_items=known.total_items,
        processed_items=known.processed_items,
        failed_items=known.failed_items,
    )
    if row.is_mapped and known.status is JobStatus.COMPLETED:
        return replace(job, status=known.status, completed_at=known.completed_at)
    keeps_end = row.status is known.status and not row.is_mapped
    if row.status is JobStatus.UNKNOWN:
        keeps_end = keeps_end and row.updated_at == known.updated_at
    return replace(job, completed_at=known.completed_at) if keeps_end else job


def with_batch_answer(
    tracked: TrackedJob, answer: ItemsCounted | NothingToCount | NotCounted, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a count of a batch, or its absence. A batch ends with its last item."""
    events: tuple[Event, ...] = ()
    if isinstance(answer, ItemsCounted):
        tracked, events = _with_counts(tracked, answer)
    else:
        tracked = replace(
            tracked,
            # Earlier counts may be out of date, for example if the job was gone since.
            job=_without_numbers(tracked.job),
            progress_ratio=None,
            counts=None,
            counts_to_add=None,
            items_last_counted_at=None,
            nothing_to_count=isinstance(answer, NothingToCount),
        )
    tracked = replace(tracked, items_asked_monotonic=answer.asked_monotonic)
    still_seconds = now - tracked.changed_asked_monotonic
    # A newer row may show that the batch runs again.
    is_over = answer.is_over and tracked.job.is_done
    if not is_over and not _ends_as_unknown(tracked.job, still_seconds):
        return tracked, events
    tracked, more = _with_end(tracked, answer, now)
    return tracked, events + more


def _with_counts(tracked: TrackedJob, answer: ItemsCounted) -> tuple[TrackedJob, tuple[Event, ...]]:
    tracked, events = with_failures_reported(tracked, answer.counts)
    before, counts, final = tracked.counts, answer.counts, tracked.final
    has_moved = before is not None and dict(before.by_status) != dict(counts.by_status)
    if final is not None and answer.asked_monotonic >= final.asked_monotonic:
        final = replace(final, times_counted=final.times_counted + 1)
    changed = answer.asked_monotonic if has_moved else tracked.changed_asked_monotonic
    counted = replace(
        tracked,
        job=_with_numbers(tracked.job, answer),
        progress_ratio=_progress_of(answer),
        counts=replace(counts, failed=()),
        nothing_to_count=False,
        items_last_counted_at=answer.answered_at,
        changed_asked_monotonic=changed,
        final=final,
    )
    return counted, events


def _with_end(
    tracked: TrackedJob, answer: ItemsCounted | NothingToCount | NotCounted, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    ended_at = answer.ended_at if isinstance(answer, ItemsCounted) else None
    job, final = _ended(tracked.job, ended_at), tracked.final
    if job.active:
        # Its end is unknown, but must have a time.
        job = replace(job, completed_at=tracked.last_refreshed_at)
    if final is not None:
        final = replace(final, ends_seen=with_date(final.ends_seen, job))
        return replace(tracked, job=job, final=final.finalised()), ()
    final = FinalState(
        ended_monotonic=now,
        asked_monotonic=answer.asked_monotonic,
        ends_seen=with_end(frozenset(), job),
        times_counted=int(tracked.counts is not None),
    )
    return replace(tracked, job=job, final=final.finalised()), (JobEnded(job),)


def _with_numbers(job: Job, answer: ItemsCounted) -> Job:
    """Return a job with the numbers of its items."""
    return replace(
        job,
        total_items=answer.counts.total,
        processed_items=len(answer.ended),
        failed_items=answer.counts.by_status.get(ItemStatus.FAILED, 0),
    )


def _without_numbers(job: Job) -> Job:
    """Return a job without the numbers of its items."""
    return replace(job, total_items=None, processed_items=None, failed_items=None)


def _progress_of(answer: ItemsCounted) -> float | None:
    """Return the share of the items that have ended, 1 for an ended batch without items."""
    if answer.counts.total:
        return len(answer.ended) / answer.counts.total
    return 1.0 if answer.is_over else None


def _ended(job: Job, ended_at: float | None) -> Job:
    """Return a job whose items have all ended, the last one at the Unix time ``ended_at``."""
    status = JobStatus.COMPLETED if job.is_mapped else job.status
    completed_at = job.updated_at if ended_at is None else ended_at
    if completed_at is not None and job.created_at is not None:
        completed_at = max(completed_at, job.created_at)
    return replace(job, status=status, completed_at=completed_at)


def _ends_as_unknown(job: Job, still_seconds: float) -> bool:
    """Return whether a job in an unknown status counts as ended: it has not changed for a day."""
    if job.status is not JobStatus.UNKNOWN or not job.told_by_items:
        return False
    return still_seconds >= _UNKNOWN_ENDS_AFTER_SECONDS
