"""The histograms of durations: each job adds each of its durations once."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.domain import (
    ITEM_DURATION_BUCKETS,
    QUEUE_DURATION_BUCKETS,
    RUN_DURATION_BUCKETS,
    ApiVersion,
    Histogram,
    JobStatus,
)

if TYPE_CHECKING:
    from exporter.core.marks import HighWaterMarks
    from exporter.domain import Counters, ItemCounts, Job, JobType

BUCKETS = MappingProxyType(
    {
        "queue_duration": QUEUE_DURATION_BUCKETS,
        "run_duration": RUN_DURATION_BUCKETS,
        "turnaround_duration": RUN_DURATION_BUCKETS,
        "item_duration": ITEM_DURATION_BUCKETS,
    }
)


class DurationHistograms:
    """Owns a project's histograms, by the labels of their series.

    A histogram has fifteen series. So those of a job type start with the first job of that type,
    at zero, so that ``rate`` sees its first duration too. Those of runs that did not complete start
    with their first duration.
    """

    def __init__(self) -> None:
        self.queue: dict[JobType, Histogram] = {}
        self.run: dict[tuple[JobType, JobStatus], Histogram] = {}
        self.turnaround: dict[JobType, Histogram] = {}
        self.item: dict[JobType, Histogram] = {}

    def restore(self, counters: Counters) -> None:
        """Go on from ``counters``."""
        self.queue.update(counters.queue_duration)
        self.run.update(counters.run_duration)
        self.turnaround.update(counters.turnaround_duration)
        self.item.update(counters.item_duration)

    def start(self, job: Job) -> None:
        """Start the histograms that a job of this type will add to."""
        job_type = job.job_type
        if job_type not in self.turnaround:
            self.turnaround[job_type] = Histogram.empty(RUN_DURATION_BUCKETS)
        # v2 tells no start of a batch nor of its items.
        if job.api_version == ApiVersion.V1BETA and job_type not in self.queue:
            self.queue[job_type] = Histogram.empty(QUEUE_DURATION_BUCKETS)
            self.item.setdefault(job_type, Histogram.empty(ITEM_DURATION_BUCKETS))
            completed = (job_type, JobStatus.COMPLETED)
            self.run.setdefault(completed, Histogram.empty(RUN_DURATION_BUCKETS))

    def add(self, marks: HighWaterMarks, job: Job) -> HighWaterMarks:
        """Add the durations of a job that are known by now, and return its new marks."""
        if not marks.queue_observed and job.queue_seconds is not None:
            before = self.queue.get(job.job_type) or Histogram.empty(QUEUE_DURATION_BUCKETS)
            self.queue[job.job_type] = before.observe(job.queue_seconds)
            marks = replace(marks, queue_observed=True)
        if job.active or job.status is JobStatus.GONE:
            return marks
        if not marks.run_observed and job.run_seconds is not None:
            key = (job.job_type, job.status)
            before = self.run.get(key) or Histogram.empty(RUN_DURATION_BUCKETS)
            self.run[key] = before.observe(job.run_seconds)
            marks = replace(marks, run_observed=True)
        if not marks.turnaround_observed and job.turnaround_seconds is not None:
            before = self.turnaround.get(job.job_type) or Histogram.empty(RUN_DURATION_BUCKETS)
            self.turnaround[job.job_type] = before.observe(job.turnaround_seconds)
            marks = replace(marks, turnaround_observed=True)
        return marks

    def add_items(self, marks: HighWaterMarks, job: Job, counts: ItemCounts) -> HighWaterMarks:
        """Add the durations of an ended job's items, once a job, if all were counted."""
        if marks.items_observed or not counts.whole:
            return marks
        before = self.item.get(job.job_type) or Histogram.empty(ITEM_DURATION_BUCKETS)
        self.item[job.job_type] = before.merge(counts.durations)
        return replace(marks, items_observed=True)
