"""The first high-water marks of a job: what of it counts, and what lies before the baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.marks import (
    adds_nothing,
    from_first_numbers,
    from_zero,
    has_not_begun,
    without_end,
)
from exporter.domain import latest

if TYPE_CHECKING:
    from exporter.core.history import History
    from exporter.core.marks import HighWaterMarks
    from exporter.domain import Job


def first_marks(job: Job, history: History, *, is_first: bool) -> HighWaterMarks:
    """Start the marks of a job; ``is_first`` for the first listing of its generation of the API."""
    if counts_whole(job, history, is_first=is_first) or has_not_begun(job):
        marks = from_zero()
    elif job.active:
        marks = from_zero() if job.told_by_items else from_first_numbers(job)
    else:
        marks = adds_nothing(job)
    if job.told_by_items and _is_of_before(job, history, is_first=is_first):
        if marks.adds:
            return replace(marks, was_mapped=False)
        # Its file jobs may still run, and count. Its end does not.
        return without_end(replace(from_zero(), was_mapped=True), job)
    return marks


def counts_whole(job: Job, history: History, *, is_first: bool) -> bool:
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


def _is_of_before(job: Job, history: History, *, is_first: bool) -> bool:
    """Return whether a job was created before the baseline; without a date, whether it was seen."""
    if job.created_at is None:
        return is_first
    return job.created_at < (history.baseline_at or 0.0)
