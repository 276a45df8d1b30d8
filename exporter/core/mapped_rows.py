"""Rows of v2 batches that are not applied: they are mapped, and may have ended long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import JobStatus, latest

if TYPE_CHECKING:
    from exporter.core.generation import Generation
    from exporter.core.job_table import JobTable
    from exporter.core.marks import HighWaterMarks
    from exporter.domain import Job, Listing


def is_deferred(job: Job, table: JobTable, generation: Generation, listing: Listing) -> bool:
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
    if generation.is_first_answer and not table.is_full and _may_be_shown(job, table, listing):
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


def _since(table: JobTable, generation: Generation, job: Job) -> float | None:
    """Return the Unix time since when a job is new; truncated listings set no watermark."""
    since = table.history.news_since(job.api_version)
    return generation.news_since if since is None else since


def _may_be_shown(job: Job, table: JobTable, listing: Listing) -> bool:
    moment = job.created_at if job.updated_at is None else job.updated_at
    return moment is None or listing.ended_at - moment <= table.rules.retention_failed
