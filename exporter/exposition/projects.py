"""The samples of each project: its totals, its counters and its histograms."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from exporter.domain import ItemStatus
from exporter.exposition.text import escape, number, sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.domain import Counters, Histogram, JobType, ProjectGauges, ProjectView

Text = TypeVar("Text", bound=str)


def project_samples(view: ProjectView) -> Iterator[tuple[str, Iterable[str]]]:
    """Render what ``view`` says of the whole project, a family's name with its lines at a time."""
    project = f'project="{escape(view.project)}"'
    if view.gauges is not None:
        yield from _gauges(view.gauges, project)
    yield from _counters(view.counters, project)
    yield from _histograms(view.counters, project)


def _gauges(gauges: ProjectGauges, project: str) -> Iterator[tuple[str, Iterable[str]]]:
    yield "llamacloud_batch_project_info", [_info(gauges, project)]
    name = "llamacloud_batch_active_jobs"
    yield name, _by_type_and(name, "status", project, gauges.active_jobs)
    if gauges.active_items is not None:
        yield "llamacloud_batch_active_items", _active_items(gauges.active_items, project)
    yield "llamacloud_batch_failing_jobs", _failing_jobs(gauges.failing_jobs, project)


def _info(gauges: ProjectGauges, project: str) -> str:
    labels = (
        f'organization_id="{escape(gauges.organization_id)}",'
        f'{project},project_id="{escape(gauges.project_id)}"'
    )
    return sample("llamacloud_batch_project_info", labels, 1)


def _active_items(items: Mapping[ItemStatus, int], project: str) -> Iterator[str]:
    for status in ItemStatus:
        labels = f'item_status="{status}",{project}'
        yield sample("llamacloud_batch_active_items", labels, items.get(status, 0))


def _failing_jobs(jobs: Mapping[JobType, int], project: str) -> Iterator[str]:
    for job_type, count in sorted(jobs.items()):
        yield sample("llamacloud_batch_failing_jobs", f'job_type="{job_type}",{project}', count)


def _counters(counters: Counters, project: str) -> Iterator[tuple[str, Iterable[str]]]:
    name = "llamacloud_batch_jobs_finished_total"
    yield name, _by_type_and(name, "status", project, counters.jobs_finished)
    yield "llamacloud_batch_items_finished_total", _items_finished(counters, project)
    yield "llamacloud_batch_items_failed_total", _items_failed(counters, project)
    name = "llamacloud_batch_items_skipped_total"
    yield name, _by_type_and(name, "reason", project, counters.items_skipped)


def _items_finished(counters: Counters, project: str) -> Iterator[str]:
    for (job_type, status), count in sorted(counters.items_finished.items()):
        labels = f'item_status="{status}",job_type="{job_type}",{project}'
        yield sample("llamacloud_batch_items_finished_total", labels, count)


def _items_failed(counters: Counters, project: str) -> Iterator[str]:
    for reason, count in sorted(counters.items_failed.items()):
        labels = f'{project},reason="{reason}"'
        yield sample("llamacloud_batch_items_failed_total", labels, count)


def _by_type_and(
    name: str, label: str, project: str, counts: Mapping[tuple[JobType, Text], int]
) -> Iterator[str]:
    for (job_type, value), count in sorted(counts.items()):
        yield sample(name, f'job_type="{job_type}",{project},{label}="{escape(value)}"', count)


def _histograms(counters: Counters, project: str) -> Iterator[tuple[str, Iterable[str]]]:
    name = "llamacloud_batch_queue_duration_seconds"
    yield name, _durations_by_type(name, counters.queue_duration, project)
    yield "llamacloud_batch_run_duration_seconds", _run_durations(counters, project)
    name = "llamacloud_batch_turnaround_duration_seconds"
    yield name, _durations_by_type(name, counters.turnaround_duration, project)
    name = "llamacloud_batch_item_duration_seconds"
    yield name, _durations_by_type(name, counters.item_duration, project)


def _durations_by_type(
    name: str, durations: Mapping[JobType, Histogram], project: str
) -> Iterator[str]:
    for job_type in sorted(durations):
        yield from _histogram(name, f'job_type="{job_type}"', project, durations[job_type])


def _run_durations(counters: Counters, project: str) -> Iterator[str]:
    name = "llamacloud_batch_run_duration_seconds"
    for job_type, status in sorted(counters.run_duration):
        histogram = counters.run_duration[job_type, status]
        after_le = f'{project},status="{status}"'
        yield from _histogram(name, f'job_type="{job_type}"', after_le, histogram)


def _histogram(name: str, before_le: str, after_le: str, histogram: Histogram) -> Iterator[str]:
    """Render cumulative buckets, count and sum; labels are sorted, so ``le`` stands among them."""
    bounds = [*histogram.bounds, float("inf")]
    for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
        labels = f'{before_le},le="{number(bound)}",{after_le}'
        yield sample(f"{name}_bucket", labels, count)
    labels = f"{before_le},{after_le}"
    yield sample(f"{name}_count", labels, sum(histogram.counts))
    yield sample(f"{name}_sum", labels, histogram.sum)
