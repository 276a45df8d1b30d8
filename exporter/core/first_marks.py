"""From which numbers on a job that is listed for the first time counts."""

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


class FirstMarks:
    """Starts marks for jobs of one generation of the API; ``is_first`` for its first listing."""

    def __init__(self, history: History, api_version: str, *, is_first: bool) -> None:
        self._history = history
        self._api_version = api_version
        self._is_first = is_first

    def of(self, job: Job) -> HighWaterMarks:
        """Start the marks of a job."""
        if self.counts_whole(job) or has_not_begun(job):
            marks = from_zero()
        else:
            marks = self._marks_of_before(job)
        if job.told_by_items and self._is_of_before(job):
            if marks.adds:
                return replace(marks, was_mapped=False)
            # Its file jobs may run on, and count; its end does not.
            return without_end(replace(from_zero(), was_mapped=True), job)
        return marks

    def _marks_of_before(self, job: Job) -> HighWaterMarks:
        if job.active:
            return from_zero() if job.told_by_items else from_first_numbers(job)
        return adds_nothing(job)

    def _is_of_before(self, job: Job) -> bool:
        """Tell whether a job was created before the baseline; where it has no date, by sight."""
        if job.created_at is None:
            return self._is_first
        return job.created_at < (self._history.baseline_at or 0.0)

    def counts_whole(self, job: Job) -> bool:
        """Tell whether a job was created after the baseline, or ended after it without being seen.

        Where LlamaCloud's dates contradict each other, a false increase is better than a missed
        failure.
        """
        counts_since = self._history.counts_since(self._api_version)
        ended_at = None if job.active else job.ended_at
        if ended_at is not None and counts_since is not None and ended_at < counts_since:
            return False
        undated = (job.created_at if job.active else ended_at) is None
        if undated and not self._is_first:
            return True
        newest = latest(job.created_at, ended_at)
        return newest is not None and newest >= (self._history.baseline_at or 0.0)
