"""Which jobs have series of their own: all of them, or the most important ones."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from exporter.core.retention import rank

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exporter.core.jobs import TrackedJob


class Cap:
    """Owns which jobs are shown, and ranks them anew only where that may have changed."""

    def __init__(self) -> None:
        self._shown: Collection[str] | None = None
        self._withdrawn: Collection[str] = ()

    def shown(self, jobs: Mapping[str, TrackedJob], most: int) -> Collection[str]:
        """Return the jobs that are shown, ``most`` at most."""
        if len(jobs) <= most:
            return jobs.keys()
        if self._shown is None:
            ranked = nsmallest(most, map(self._rank, jobs.values()))
            self._shown = frozenset(job_id for *_, job_id in ranked)
        return self._shown

    def ranks_changed(self) -> None:
        """Rank the jobs anew when they are shown next."""
        self._shown = None

    def withdraw(self, api_versions: Collection[str]) -> bool:
        """Rank the active jobs of generations of the API last, and tell whether that is news."""
        is_news = api_versions != self._withdrawn
        self._withdrawn = api_versions
        return is_news

    def _rank(self, tracked: TrackedJob) -> tuple[bool, int, float, str]:
        # What has no series for now must not hide what has.
        is_withdrawn = tracked.final is None and tracked.job.api_version in self._withdrawn
        return is_withdrawn, *rank(tracked)
