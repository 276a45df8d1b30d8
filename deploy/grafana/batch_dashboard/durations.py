"""Queue times, run times and durations of jobs and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_dashboard.panels import heat, lines
from batch_dashboard.queries import JOBS_WINDOW, OF_TYPES, rate_of, rise_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.builders import heatmap, timeseries

_TYPED = "cluster, namespace, project, job_type, le"


def panels() -> Iterator[timeseries.Panel | heatmap.Panel]:
    """Return quantiles for jobs, which are few, and a heatmap for items, which are many."""
    for panel in (_queue(), _run(), _turnaround(), _items()):
        yield panel.height(8).span(6)


def _queue() -> timeseries.Panel:
    return _quantiles(
        "Queue time of jobs",
        "Time from creation to start of jobs that started within the last hour: median and 95th"
        " percentile. Without jobs of v2, which have no start time. Filtered by project and job"
        " type.",
        "llamacloud_batch_queue_duration_seconds_bucket",
        otherwise="no job started",
    )


def _run() -> timeseries.Panel:
    return _quantiles(
        "Run time of jobs",
        "Time from start to completion of jobs that ended within the last hour, in any status:"
        " median and 95th percentile. Without jobs of v2, which have no start time. Filtered by"
        " project and job type.",
        "llamacloud_batch_run_duration_seconds_bucket",
        otherwise="no job ended",
    )


def _turnaround() -> timeseries.Panel:
    return _quantiles(
        "Total duration of jobs",
        "Time from creation to completion of jobs that ended within the last hour: median and 95th"
        " percentile. Filtered by project and job type.",
        "llamacloud_batch_turnaround_duration_seconds_bucket",
        otherwise="no job ended",
    )


def _items() -> heatmap.Panel:
    rise = rise_of("llamacloud_batch_item_duration_seconds_bucket", _TYPED, OF_TYPES)
    return heat(
        "Duration of items",
        "Time from start to completion of items, counted when their job ends. Darker cells have"
        " more items. Without items of v2, which have no start time. Filtered by project and job"
        " type.",
        f"sum by (le) ({rise})",
    )


def _quantiles(title: str, description: str, buckets: str, *, otherwise: str) -> timeseries.Panel:
    rate = rate_of(buckets, _TYPED, OF_TYPES, window=JOBS_WINDOW)
    return lines(
        title,
        description,
        {
            f"{{{{job_type}}}}, {share:.0%}": (
                f"histogram_quantile({share}, sum by (job_type, le) ({rate})) >= 0"
            )
            for share in (0.5, 0.95)
        },
        unit="s",
        otherwise=f"{otherwise}, or no data",
    )
