"""A project's totals over all its jobs, those that have no series of their own included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.item_counts import is_counted
from exporter.core.jobs import is_failing
from exporter.domain import ACTIVE_STATUSES, ItemStatus, JobType, ProjectGauges

if TYPE_CHECKING:
    from exporter.core.jobs import TrackedJob
    from exporter.core.rules import Rules


class Totals:
    """Sums that are kept up to date job by job, so that a view costs nothing for each job."""

    def __init__(self) -> None:
        self.uncounted_jobs = 0
        self._active_jobs = {(job_type, s): 0 for job_type in JobType for s in ACTIVE_STATUSES}
        self._active_items = dict.fromkeys(ItemStatus, 0)
        self._failing_jobs = dict.fromkeys(JobType, 0)

    def replace(self, before: TrackedJob | None, after: TrackedJob | None) -> None:
        """Take one job out of the sums, and add what replaces it."""
        if before is not None:
            self._add(before, -1)
        if after is not None:
            self._add(after, 1)

    @property
    def active_jobs(self) -> int:
        """How many jobs are active."""
        return sum(self._active_jobs.values())

    def gauges(self, rules: Rules, seen_project_id: str) -> ProjectGauges:
        """Return the totals as they are now."""
        return ProjectGauges(
            project_id=rules.project_id or seen_project_id,
            organization_id=rules.organization_id or "",
            api_version=rules.api_version,
            active_jobs=dict(self._active_jobs),
            failing_jobs=dict(self._failing_jobs),
            active_items=dict(self._active_items) if rules.items_enabled else None,
        )

    def _add(self, tracked: TrackedJob, sign: int) -> None:
        job, counts = tracked.job, tracked.counts
        if is_failing(tracked):
            self._failing_jobs[job.job_type] += sign
        if not is_counted(tracked):
            self.uncounted_jobs += sign
        if tracked.final is not None:
            return
        self._active_jobs[job.job_type, job.status] += sign
        if counts is None or not counts.whole:
            return
        for status, number in counts.by_status.items():
            self._active_items[status] += sign * number
