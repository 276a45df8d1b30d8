"""The metric families of batch jobs, in the order in which they are exposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.exposition.job_lines import (
    info_lines,
    item_failures_lines,
    items_lines,
    status_lines,
    value_lines,
)
from exporter.exposition.text import Family, escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.domain import JobView
    from exporter.exposition.job_lines import RenderLines


@dataclass(frozen=True, slots=True)
class JobFamily(Family):
    """A family of batch jobs, with the function that renders its lines.

    Where a job has one sample without further labels, ``attribute`` names the attribute of
    ``JobView`` that holds its value.
    """

    lines: RenderLines
    attribute: str = ""


def job_samples(project: str, jobs: Sequence[JobView]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each family with its lines for ``jobs``."""
    project_label = f'project="{escape(project)}"'
    labelled = [(f'job_id="{escape(job.job_id)}"', job) for job in jobs]
    for family in JOB_FAMILIES:
        yield family.name, family.lines(family.name, project_label, labelled)


def _family(name: str, help_text: str, lines: RenderLines, *labels: str) -> JobFamily:
    return JobFamily(name, "gauge", ("project", "job_id", *labels), help_text, lines)


def _gauge(name: str, attribute: str, help_text: str) -> JobFamily:
    """Declare a family with one sample for each job of which the attribute is known."""
    lines = value_lines(attribute)
    return JobFamily(name, "gauge", ("project", "job_id"), help_text, lines, attribute)


JOB_FAMILIES = (
    _family(
        "llamacloud_batch_job_info",
        "Properties of a batch job that do not change, as labels; always 1.",
        info_lines,
        "job_type",
        "directory_id",
        "api_version",
        "configuration_id",
    ),
    _family(
        "llamacloud_batch_job_status",
        "1 for the status of a batch job, 0 for every other status, as of the last poll.",
        status_lines,
        "status",
    ),
    _gauge(
        "llamacloud_batch_job_progress_ratio",
        "progress_ratio",
        "Progress of a batch job from 0 to 1, as of the last poll: as LlamaCloud reports it, in"
        " v2 the share of its items that have ended.",
    ),
    _gauge(
        "llamacloud_batch_job_total_items",
        "total_items",
        "Total number of items of a batch job, as of the last poll; it can grow while a job"
        " starts.",
    ),
    _gauge(
        "llamacloud_batch_job_processed_items",
        "processed_items",
        "Processed items of a batch job, as of the last poll: as LlamaCloud reports them, in v2"
        " all items that have ended.",
    ),
    _gauge(
        "llamacloud_batch_job_failed_items",
        "failed_items",
        "Failed items of a batch job, as of the last poll: as LlamaCloud reports them, in v2"
        " counted item by item.",
    ),
    _gauge(
        "llamacloud_batch_job_skipped_items",
        "skipped_items",
        "Skipped items of a batch job as LlamaCloud reports them, as of the last poll.",
    ),
    _family(
        "llamacloud_batch_job_item_failures",
        "Failed items of a batch job by reason, counted item by item, as of the last poll that"
        " counted them.",
        item_failures_lines,
        "reason",
    ),
    _family(
        "llamacloud_batch_job_items",
        "Items of a batch job by status, counted item by item, as of the last poll that counted"
        " them.",
        items_lines,
        "item_status",
    ),
    _gauge(
        "llamacloud_batch_job_created_timestamp_seconds",
        "created_at",
        "Unix time at which a batch job was created, as of the last poll.",
    ),
    _gauge(
        "llamacloud_batch_job_started_timestamp_seconds",
        "started_at",
        "Unix time at which a batch job started, as of the last poll.",
    ),
    _gauge(
        "llamacloud_batch_job_completed_timestamp_seconds",
        "completed_at",
        "Unix time at which a batch job completed, as of the last poll.",
    ),
    _gauge(
        "llamacloud_batch_job_last_progress_timestamp_seconds",
        "last_progress_at",
        "Unix time at which a batch job's status, progress or a count last changed, as of the"
        " last poll.",
    ),
    _gauge(
        "llamacloud_batch_job_last_refreshed_timestamp_seconds",
        "last_refreshed_at",
        "Unix time at which a batch job's status was last fetched.",
    ),
    _gauge(
        "llamacloud_batch_job_items_last_counted_timestamp_seconds",
        "items_last_counted_at",
        "Unix time at which a batch job's items were last counted.",
    ),
)
