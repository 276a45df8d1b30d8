"""A project's totals over all its jobs, including jobs without series of their own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from exporter.core.item_counts import is_counted
from exporter.core.tracked_job import is_failing
from exporter.domain import ACTIVE_STATUSES, ItemStatus, JobType, ProjectGauges

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from exporter.core.rules import Rules
    from exporter.core.tracked_job import TrackedJob

_Key = TypeVar("_Key")


class _Sums:
    """The sums over the jobs of one API generation."""

    def __init__(self) -> None:
        self.uncounted_jobs = 0
        self.active_jobs = {(job_type, s): 0 for job_type in JobType for s in ACTIVE_STATUSES}
        self.active_items = dict.fromkeys(ItemStatus, 0)
        self.failing_jobs = dict.fromkeys(JobType, 0)

    def add(self, tracked: TrackedJob, sign: int) -> None:
        """Add one job, or remove it with a ``sign`` of -1."""
        job, counts = tracked.job, tracked.counts
        if is_failing(tracked):
            self.failing_jobs[job.job_type] += sign
        if not is_counted(tracked):
            self.uncounted_jobs += sign
        if tracked.final is not None:
            return
        self.active_jobs[job.job_type, job.status] += sign
        if counts is None or not counts.whole:
            return
        for status, number in counts.by_status.items():
            self.active_items[status] += sign * number


class Totals:
    """Sums that are updated with each change of a job, so that a view need not add them up.

    ``stale`` names the API generations whose jobs are left out.
    """

    def __init__(self, api_versions: Iterable[str]) -> None:
        self._sums = {api_version: _Sums() for api_version in api_versions}

    def replace(self, before: TrackedJob | None, after: TrackedJob | None) -> None:
        """Replace a job in the sums."""
        if before is not None:
            self._sums[before.job.api_version].add(before, -1)
        if after is not None:
            self._sums[after.job.api_version].add(after, 1)

    def uncounted_jobs(self, stale: Collection[str]) -> int:
        """Count the jobs whose items are not counted."""
        return sum(sums.uncounted_jobs for sums in self._fresh(stale))

    def gauges(self, rules: Rules, seen_project_id: str, stale: Collection[str]) -> ProjectGauges:
        """Return the totals as they are now."""
        fresh = self._fresh(stale)
        active_items = _added(sums.active_items for sums in fresh)
        return ProjectGauges(
            project_id=rules.project_id or seen_project_id,
            organization_id=rules.organization_id or "",
            active_jobs=_added(sums.active_jobs for sums in fresh),
            failing_jobs=_added(sums.failing_jobs for sums in fresh),
            active_items=active_items if rules.items_enabled else None,
        )

    def _fresh(self, stale: Collection[str]) -> list[_Sums]:
        return [sums for api_version, sums in self._sums.items() if api_version not in stale]


def _added(parts: Iterable[Mapping[_Key, int]]) -> dict[_Key, int]:
    total: Counter[_Key] = Counter()
    for part in parts:
        # Use ``update``, which keeps zeros: they are published too.
        total.update(part)
    return dict(total)
