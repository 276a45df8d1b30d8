"""Rendering the samples of batch jobs, which are most of the exposition.

The functions take a family's name, the ``project`` label as it is written, and the jobs.
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from exporter.domain import ItemStatus, JobStatus
from exporter.exposition.text import escape, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import JobView

    # Each job with its ``job_id`` label as it is written.
    LabelledJobs: TypeAlias = list[tuple[str, JobView]]
    RenderLines: TypeAlias = Callable[[str, str, LabelledJobs], list[str]]


def info_lines(name: str, project: str, jobs: LabelledJobs) -> list[str]:
    """Render one sample with the properties of each job."""
    return [
        f'{name}{{api_version="{escape(job.api_version)}",'
        f'configuration_id="{escape(job.configuration_id)}",'
        f'directory_id="{escape(job.directory_id)}",{job_id},'
        f'job_type="{job.job_type}",{project}}} 1.0\n'
        for job_id, job in jobs
    ]


def status_lines(name: str, project: str, jobs: LabelledJobs) -> list[str]:
    """Render one sample for each job and status."""
    return [
        _lines_of_status(name, job.status).replace("LABELS", f"{job_id},{project}")
        for job_id, job in jobs
    ]


@cache
def _lines_of_status(name: str, current: JobStatus) -> str:
    return "".join(
        f'{name}{{LABELS,status="{status}"}} {number(status == current)}\n' for status in JobStatus
    )


def item_failures_lines(name: str, project: str, jobs: LabelledJobs) -> list[str]:
    """Render the failed items of each job by reason."""
    return [
        f'{name}{{{job_id},{project},reason="{reason}"}} {number(count)}\n'
        for job_id, job in jobs
        if job.item_failures
        for reason, count in sorted(job.item_failures.items())
    ]


def items_lines(name: str, project: str, jobs: LabelledJobs) -> list[str]:
    """Render the items of each job by status."""
    openings = [(status, f'{name}{{item_status="{status}",') for status in ItemStatus]
    return [
        f"{opening}{job_id},{project}}} {number(job.items[status])}\n"
        for job_id, job in jobs
        if job.items is not None
        for status, opening in openings
        if status in job.items
    ]


def value_lines(attribute: str) -> RenderLines:
    """Return how to render the value of an attribute, for each job of which it is known."""
    value_of = attrgetter(attribute)

    def lines(name: str, project: str, jobs: LabelledJobs) -> list[str]:
        return [
            f"{name}{{{job_id},{project}}} {number(value)}\n"
            for job_id, job in jobs
            if (value := value_of(job)) is not None
        ]

    return lines
