"""How long jobs wait and run, and items take."""

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
        "How long jobs waited",
        "Creation to start of jobs that started within the hour before: the half that waited least,"
        " and all but one in twenty. Without jobs of v2, which tells no start. Follows project and"
        " job type.",
        "llamacloud_batch_queue_duration_seconds_bucket",
        otherwise="no job started",
    )


def _run() -> timeseries.Panel:
    return _quantiles(
        "How long jobs ran",
        "Start to completion of jobs that ended within the hour before, however they ended: the"
        " shorter half, and all but one in twenty. Without jobs of v2, which tells no start."
        " Follows project and job type.",
        "llamacloud_batch_run_duration_seconds_bucket",
        otherwise="no job ended",
    )


def _turnaround() -> timeseries.Panel:
    return _quantiles(
        "How long jobs took in all",
        "Creation to completion of jobs that ended within the hour before: the half that was done"
        " first, and all but one in twenty. Follows project and job type.",
        "llamacloud_batch_turnaround_duration_seconds_bucket",
        otherwise="no job ended",
    )


def _items() -> heatmap.Panel:
    rise = rise_of("llamacloud_batch_item_duration_seconds_bucket", _TYPED, OF_TYPES)
    return heat(
        "How long items took",
        "Start to completion of items, counted when their job ends; the darker, the more. Without"
        " items of v2, which tells no start. Follows project and job type.",
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
