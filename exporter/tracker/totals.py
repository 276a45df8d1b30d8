"""A project's totals over all its jobs, those that have no series of their own included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import ACTIVE_STATUSES, ItemStatus, JobType, ProjectGauges
from exporter.tracker.records import failing

if TYPE_CHECKING:
    from exporter.tracker.state import ProjectState, TrackedJob, TrackerRules


class Totals:
    """Sums that grow job by job."""

    def __init__(self) -> None:
        self.uncounted_jobs = 0
        self._active_jobs = {(job_type, s): 0 for job_type in JobType for s in ACTIVE_STATUSES}
        self._active_items = dict.fromkeys(ItemStatus, 0)
        self._failing_jobs = dict.fromkeys(JobType, 0)

    def add(self, tracked: TrackedJob) -> None:
        """Add one job."""
        job, counts = tracked.job, tracked.counts
        if failing(tracked):
            self._failing_jobs[job.job_type] += 1
        if tracked.ending is not None:
            return
        self._active_jobs[job.job_type, job.status] += 1
        if counts is None or not counts.whole:
            self.uncounted_jobs += 1
            return
        for status, number in counts.by_status.items():
            self._active_items[status] += number

    def gauges(self, state: ProjectState, rules: TrackerRules) -> ProjectGauges:
        """Return the totals of the jobs that were added."""
        return ProjectGauges(
            project_id=rules.project_id or state.seen_project_id,
            organization_id=rules.organization_id or "",
            api_version=rules.api_version,
            active_jobs=self._active_jobs,
            failing_jobs=self._failing_jobs,
            active_items=self._active_items if rules.items_enabled else None,
        )
