"""Jobs of realistic size: they have most samples, and ids and times of real lengths."""

from __future__ import annotations

from exporter.domain import Counters, ItemStatus, JobStatus, JobType, JobView, ProjectView

_NOW = 1_790_000_000.0


def view_of_many_jobs(number_of_jobs: int) -> ProjectView:
    """Return the view of a project with a number of jobs of 27 samples each."""
    return ProjectView(
        project="invoices",
        number=1,
        counters=Counters({}, {}, {}, {}, {}, {}, {}, {}),
        jobs=tuple(_job(number) for number in range(number_of_jobs)),
    )


def _job(number: int) -> JobView:
    failed, completed = number % 7, number % 600
    return JobView(
        job_id=f"bjb-{number:08x}-4000-8000-{number * 7919:012x}",
        job_type=list(JobType)[number % 3],
        directory_id=f"dir-{number % 50:08x}-4000-8000-000000000000",
        status=JobStatus.RUNNING,
        total_items=900,
        progress_ratio=completed / 900,
        processed_items=completed,
        failed_items=failed,
        skipped_items=3,
        items=dict.fromkeys(ItemStatus, 0)
        | {ItemStatus.COMPLETED: completed, ItemStatus.FAILED: failed, ItemStatus.SKIPPED: 3},
        created_at=_NOW - number,
        started_at=_NOW - number + 2.25,
        completed_at=None,
        last_progress_at=_NOW + number % 60,
        last_refreshed_at=_NOW + number % 60,
        items_last_counted_at=_NOW + number % 60,
    )
