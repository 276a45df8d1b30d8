"""The histograms of durations: each job adds each of its durations once.

A histogram has fifteen series, so those of a job type start with the first job of that type; they
start at zero, so that ``rate`` includes its first duration. Those of runs that did not complete
start with their first duration.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from exporter.domain import (
    ITEM_DURATION_BUCKETS,
    QUEUE_DURATION_BUCKETS,
    RUN_DURATION_BUCKETS,
    Histogram,
    JobStatus,
)

if TYPE_CHECKING:
    from exporter.core.counter_values import CounterValues
    from exporter.core.marks import HighWaterMarks
    from exporter.domain import ItemCounts, Job

_Labels = TypeVar("_Labels")

BUCKETS = MappingProxyType(
    {
        "queue_duration": QUEUE_DURATION_BUCKETS,
        "run_duration": RUN_DURATION_BUCKETS,
        "turnaround_duration": RUN_DURATION_BUCKETS,
        "item_duration": ITEM_DURATION_BUCKETS,
    }
)


def start_durations(values: CounterValues, job: Job) -> None:
    """Start the histograms to which jobs of this type will add."""
    job_type = job.job_type
    values.turnaround_duration.setdefault(job_type, Histogram.empty(RUN_DURATION_BUCKETS))
    # v2 has no start times of batches and items.
    if not job.told_by_items:
        completed = (job_type, JobStatus.COMPLETED)
        values.queue_duration.setdefault(job_type, Histogram.empty(QUEUE_DURATION_BUCKETS))
        values.item_duration.setdefault(job_type, Histogram.empty(ITEM_DURATION_BUCKETS))
        values.run_duration.setdefault(completed, Histogram.empty(RUN_DURATION_BUCKETS))


def add_durations(values: CounterValues, marks: HighWaterMarks, job: Job) -> HighWaterMarks:
    """Add the durations of a job that are known by now, and return its new marks."""
    queue, run, turnaround = job.queue_seconds, job.run_seconds, job.turnaround_seconds
    if not marks.queue_observed and queue is not None:
        _observe(values.queue_duration, job.job_type, QUEUE_DURATION_BUCKETS, queue)
        marks = replace(marks, queue_observed=True)
    if job.active or job.status is JobStatus.GONE:
        return marks
    if not marks.run_observed and run is not None:
        _observe(values.run_duration, (job.job_type, job.status), RUN_DURATION_BUCKETS, run)
        marks = replace(marks, run_observed=True)
    if not marks.turnaround_observed and turnaround is not None:
        _observe(values.turnaround_duration, job.job_type, RUN_DURATION_BUCKETS, turnaround)
        marks = replace(marks, turnaround_observed=True)
    return marks


def add_item_durations(
    values: CounterValues, marks: HighWaterMarks, job: Job, counts: ItemCounts
) -> HighWaterMarks:
    """Add the durations of an ended job's items, once a job, if all were counted."""
    if marks.items_observed or not counts.whole:
        return marks
    before = values.item_duration.get(job.job_type) or Histogram.empty(ITEM_DURATION_BUCKETS)
    values.item_duration[job.job_type] = before.merge(counts.durations)
    return replace(marks, items_observed=True)


def _observe(
    histograms: dict[_Labels, Histogram],
    labels: _Labels,
    bounds: tuple[float, ...],
    seconds: float,
) -> None:
    before = histograms.get(labels) or Histogram.empty(bounds)
    histograms[labels] = before.observe(seconds)
