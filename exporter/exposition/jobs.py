"""The samples of each batch job: most of what is exposed, so each line is made once and quickly."""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING

from exporter.domain import ItemStatus, JobStatus
from exporter.exposition.text import escape, number, sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.domain import JobView

    LabelledJobs = list[tuple[str, JobView]]

ATTRIBUTE_OF_GAUGE = {
    "llamacloud_batch_job_progress_ratio": "progress_ratio",
    "llamacloud_batch_job_total_items": "total_items",
    "llamacloud_batch_job_processed_items": "processed_items",
    "llamacloud_batch_job_failed_items": "failed_items",
    "llamacloud_batch_job_skipped_items": "skipped_items",
    "llamacloud_batch_job_created_timestamp_seconds": "created_at",
    "llamacloud_batch_job_started_timestamp_seconds": "started_at",
    "llamacloud_batch_job_completed_timestamp_seconds": "completed_at",
    "llamacloud_batch_job_last_progress_timestamp_seconds": "last_progress_at",
    "llamacloud_batch_job_last_refreshed_timestamp_seconds": "last_refreshed_at",
    "llamacloud_batch_job_items_last_counted_timestamp_seconds": "items_last_counted_at",
}


def job_samples(project: str, jobs: Sequence[JobView]) -> Iterator[tuple[str, list[str]]]:
    """Render ``jobs``, a family's name with its lines at a time."""
    project = escape(project)
    labelled = [(f'job_id="{escape(job.job_id)}",project="{project}"', job) for job in jobs]
    yield "llamacloud_batch_job_info", [_info(job, project) for job in jobs]
    yield "llamacloud_batch_job_status", _statuses(labelled)
    yield "llamacloud_batch_job_item_failures", _item_failures(labelled)
    yield "llamacloud_batch_job_items", _items(labelled)
    for name, attribute in ATTRIBUTE_OF_GAUGE.items():
        yield name, _gauge(name, attribute, labelled)


def _info(job: JobView, project: str) -> str:
    labels = (
        f'api_version="{escape(job.api_version)}",'
        f'configuration_id="{escape(job.configuration_id)}",'
        f'directory_id="{escape(job.directory_id)}",job_id="{escape(job.job_id)}",'
        f'job_type="{job.job_type}",project="{project}"'
    )
    return sample("llamacloud_batch_job_info", labels, 1)


def _statuses(jobs: LabelledJobs) -> list[str]:
    return [_lines_of_status(job.status).replace("LABELS", labels) for labels, job in jobs]


@cache
def _lines_of_status(current: JobStatus) -> str:
    return "".join(
        sample("llamacloud_batch_job_status", f'LABELS,status="{status}"', status == current)
        for status in JobStatus
    )


def _item_failures(jobs: LabelledJobs) -> list[str]:
    return [
        sample("llamacloud_batch_job_item_failures", f'{labels},reason="{reason}"', count)
        for labels, job in jobs
        if job.item_failures
        for reason, count in sorted(job.item_failures.items())
    ]


def _items(jobs: LabelledJobs) -> list[str]:
    # Sorted by name, item_status comes before job_id.
    openings = [
        (status, f'llamacloud_batch_job_items{{item_status="{status}",') for status in ItemStatus
    ]
    return [
        f"{opening}{labels}}} {number(job.items[status])}\n"
        for labels, job in jobs
        if job.items is not None
        for status, opening in openings
        if status in job.items
    ]


def _gauge(name: str, attribute: str, jobs: LabelledJobs) -> list[str]:
    value_of = attrgetter(attribute)
    return [
        f"{name}{{{labels}}} {number(value)}\n"
        for labels, job in jobs
        if (value := value_of(job)) is not None
    ]
