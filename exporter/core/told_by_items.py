"""Jobs of v2: nothing but a count of their items tells numbers, progress and end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import ItemStatus, JobStatus

if TYPE_CHECKING:
    from exporter.domain import ItemsCounted, Job

_UNKNOWN_ENDS_AFTER_SECONDS = 86_400.0


def with_what_items_told(row: Job, known: Job) -> Job:
    """Return the job of a row with what earlier counts told of it.

    A row that calls a job mapped again says nothing new of one that has completed.
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


def with_numbers(job: Job, answer: ItemsCounted) -> Job:
    """Return a job with the numbers of its items."""
    return replace(
        job,
        total_items=answer.counts.total,
        processed_items=len(answer.ended),
        failed_items=answer.counts.by_status.get(ItemStatus.FAILED, 0),
    )


def without_numbers(job: Job) -> Job:
    """Return a job whose items are not told."""
    return replace(job, total_items=None, processed_items=None, failed_items=None)


def progress_of(answer: ItemsCounted) -> float | None:
    """Return the share of the items that have ended; one without items is done at its end."""
    if answer.counts.total:
        return len(answer.ended) / answer.counts.total
    return 1.0 if answer.is_final else None


def ended(job: Job, ended_at: float | None) -> Job:
    """Return a job whose items have all ended, the last one at the Unix time ``ended_at``."""
    status = JobStatus.COMPLETED if job.is_mapped else job.status
    completed_at = job.updated_at if ended_at is None else ended_at
    if completed_at is not None and job.created_at is not None:
        completed_at = max(completed_at, job.created_at)
    return replace(job, status=status, completed_at=completed_at)


def ends_as_unknown(job: Job, still_seconds: float) -> bool:
    """Tell whether a job in a status that is not known has ended, for nothing moved for a day."""
    if job.status is not JobStatus.UNKNOWN or not job.told_by_items:
        return False
    return still_seconds >= _UNKNOWN_ENDS_AFTER_SECONDS
