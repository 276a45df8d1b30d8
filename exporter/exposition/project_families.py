"""The metric families of projects, in the order in which they are exposed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from exporter.domain import Histogram
from exporter.exposition.text import Family, number, series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.domain import ProjectView


@dataclass(frozen=True, slots=True)
class ProjectFamily(Family):
    """A family of projects, with the function that returns its samples.

    ``values`` maps label values to sample values. The key is the value of the label after
    ``project``, or a tuple where there are several. ``None`` means no samples.
    """

    values: Callable[[ProjectView], Mapping[Any, float | Histogram] | None]


def project_samples(view: ProjectView) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield the name of each family with its lines for a project."""
    for family in PROJECT_FAMILIES:
        yield family.name, _lines(family, view)


def _lines(family: ProjectFamily, view: ProjectView) -> Iterator[str]:
    for key, value in sorted((family.values(view) or {}).items()):
        values = (view.project, *(key if isinstance(key, tuple) else (key,)))
        labels = dict(zip(family.labels, values, strict=True))
        if isinstance(value, Histogram):
            yield from _histogram(family.name, labels, value)
        else:
            yield _sample(family.name, labels, value)


def _histogram(name: str, labels: dict[str, str], histogram: Histogram) -> Iterator[str]:
    """Render cumulative buckets, count and sum."""
    bounds = [*histogram.bounds, float("inf")]
    for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
        yield _sample(f"{name}_bucket", {**labels, "le": number(bound)}, count)
    yield _sample(f"{name}_count", labels, sum(histogram.counts))
    yield _sample(f"{name}_sum", labels, histogram.sum)


def _sample(name: str, labels: dict[str, str], value: float) -> str:
    return f"{series(name, tuple(labels.items()))} {number(value)}\n"


def _info(view: ProjectView) -> Mapping[tuple[str, str], int] | None:
    gauges = view.gauges
    return None if gauges is None else {(gauges.project_id, gauges.organization_id): 1}


PROJECT_FAMILIES = (
    ProjectFamily(
        "llamacloud_batch_project_info",
        "gauge",
        ("project", "project_id", "organization_id"),
        "LlamaCloud's ids of a configured project, as labels; always 1.",
        _info,
    ),
    ProjectFamily(
        "llamacloud_batch_active_jobs",
        "gauge",
        ("project", "job_type", "status"),
        "Batch jobs that are pending, throttled, running, dispatched, or in an unknown status"
        " without a completion time, as of the last poll.",
        lambda view: view.gauges.active_jobs if view.gauges else None,
    ),
    ProjectFamily(
        "llamacloud_batch_active_items",
        "gauge",
        ("project", "item_status"),
        "Counted items of the active batch jobs by status, as of the last poll.",
        lambda view: view.gauges.active_items if view.gauges else None,
    ),
    ProjectFamily(
        "llamacloud_batch_failing_jobs",
        "gauge",
        ("project", "job_type"),
        "Batch jobs, active or kept after their end, that failed or have failed items, as of the"
        " last poll.",
        lambda view: view.gauges.failing_jobs if view.gauges else None,
    ),
    ProjectFamily(
        "llamacloud_batch_jobs_finished_total",
        "counter",
        ("project", "job_type", "status"),
        "Batch jobs that ended, by final status, as of the last poll.",
        lambda view: view.counters.jobs_finished,
    ),
    ProjectFamily(
        "llamacloud_batch_items_finished_total",
        "counter",
        ("project", "job_type", "item_status"),
        "Items of batch jobs that ended, by status, as of the last poll; each job adds the"
        " greatest number that it had in a status at one time.",
        lambda view: view.counters.items_finished,
    ),
    ProjectFamily(
        "llamacloud_batch_items_failed_total",
        "counter",
        ("project", "reason"),
        "Failed items of batch jobs by reason, counted item by item, as of the last poll; each"
        " job adds the greatest number that it had for a reason at one time.",
        lambda view: view.counters.items_failed,
    ),
    ProjectFamily(
        "llamacloud_batch_items_skipped_total",
        "counter",
        ("project", "job_type", "reason"),
        "Skipped items of batch jobs by reason, as of the last poll.",
        lambda view: view.counters.items_skipped,
    ),
    ProjectFamily(
        "llamacloud_batch_queue_duration_seconds",
        "histogram",
        ("project", "job_type"),
        "Time from the creation of a batch job to its start, observed once for each job, as of"
        " the last poll.",
        lambda view: view.counters.queue_duration,
    ),
    ProjectFamily(
        "llamacloud_batch_run_duration_seconds",
        "histogram",
        ("project", "job_type", "status"),
        "Time from the start of a batch job to its completion, observed once for each job, as of"
        " the last poll.",
        lambda view: view.counters.run_duration,
    ),
    ProjectFamily(
        "llamacloud_batch_turnaround_duration_seconds",
        "histogram",
        ("project", "job_type"),
        "Time from the creation of a batch job to its completion, observed once for each job, as"
        " of the last poll.",
        lambda view: view.counters.turnaround_duration,
    ),
    ProjectFamily(
        "llamacloud_batch_item_duration_seconds",
        "histogram",
        ("project", "job_type"),
        "Time from the start of an item to its completion, observed once for each item of an"
        " ended batch job, as of the last poll.",
        lambda view: view.counters.item_duration,
    ),
)
