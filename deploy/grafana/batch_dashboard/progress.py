"""Items, throughput, failures and skips over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_dashboard.colours import FAILURE_REASON, ITEM_STATUS, JOB_STATUS, SKIP_REASON
from batch_dashboard.panels import bars, lines, stacked
from batch_dashboard.queries import (
    ACTIVE,
    FAILED,
    OF_PROJECTS,
    OF_TYPES,
    PROCESSED,
    PROJECT,
    SPEED,
    TOTAL,
    of_jobs,
    rate_of,
    rise_of,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.builders import timeseries


def panels() -> Iterator[timeseries.Panel]:
    """Return two columns of graphs."""
    for panel in (
        stacked(_items()),
        stacked(_active_jobs()),
        stacked(_throughput()),
        _speed(),
        _failed(),
        stacked(_failed_by_reason()),
        bars(_jobs_ended()),
        bars(_reasons_over_time()),
        bars(_skipped()),
        _processed(),
    ):
        yield panel.height(8).span(12)


def _items() -> timeseries.Panel:
    items = of_jobs(
        "llamacloud_batch_job_items", by="cluster, namespace, project, job_id, item_status"
    )
    return lines(
        "Items by status",
        "Counted items of the jobs in the table; ended jobs are included until they leave. Jobs"
        " that are too large to be counted, or were not reached yet, are missing.",
        {"{{item_status}}": f"sum by (item_status) ({items})"},
        unit="short",
        colours=ITEM_STATUS,
    )


def _active_jobs() -> timeseries.Panel:
    jobs = f"max by ({PROJECT}, job_type, status) (llamacloud_batch_active_jobs{{{OF_TYPES}}})"
    return lines(
        "Active jobs by status",
        "Jobs that wait or run, including jobs without series of their own. Filtered by project and"
        " job type. A gap is a time in which the project was stale.",
        {"{{status}}": f"sum by (status) ({jobs})"},
        unit="short",
        colours=JOB_STATUS,
    )


def _throughput() -> timeseries.Panel:
    by = "cluster, namespace, project, job_type, item_status"
    rate = rate_of("llamacloud_batch_items_finished_total", by, OF_TYPES)
    return lines(
        "Ended items per minute",
        "Items of all jobs that ended in each status. An item that is retried counts once in each"
        " status. Filtered by project and job type.",
        {"{{item_status}}": f"60 * sum by (item_status) ({rate})"},
        unit="cpm",
        colours=ITEM_STATUS,
    )


def _speed() -> timeseries.Panel:
    return lines(
        "Processed items per minute, by job",
        "The speed of each running job over the last 15 minutes, by processed items (reported in"
        " v1beta, counted in v2); the 20 fastest jobs. A job at 0 is stuck, or has one very large"
        " document. A batch of v2 has no line until its items are known.",
        {"{{project}} {{job_id}}": f"topk(20, 60 * {SPEED})"},
        unit="cpm",
        otherwise="no job runs, or no data",
    )


def _failed() -> timeseries.Panel:
    return lines(
        "Failed items by job",
        "Failed items of each job, reported or counted, whichever is more; the 20 jobs with the"
        " most. A line ends when its job leaves, by default 24 hours after its end.",
        {"{{project}} {{job_id}}": f"topk(20, {FAILED} > 0)"},
        unit="short",
        otherwise="no failed items, or no data",
    )


def _failed_by_reason() -> timeseries.Panel:
    failures = of_jobs(
        "llamacloud_batch_job_item_failures", by="cluster, namespace, project, job_id, reason"
    )
    return lines(
        "Failed items by reason",
        "Counted failed items of the jobs in the table, by the code in their message. 'none' is an"
        " item without a message, 'other' a message without a known code. The log has messages.",
        {"{{reason}}": f"sum by (reason) ({failures})"},
        unit="short",
        colours=FAILURE_REASON,
        otherwise="no failed items were counted, or no data",
    )


def _jobs_ended() -> timeseries.Panel:
    rise = rise_of(
        "llamacloud_batch_jobs_finished_total",
        "cluster, namespace, project, job_type, status",
        OF_TYPES,
    )
    return lines(
        "Jobs that ended",
        "Jobs that ended in each step of the graph. Filtered by project and job type.",
        {"{{status}}": f"sum by (status) ({rise}) > 0"},
        unit="short",
        colours=JOB_STATUS,
        otherwise="no job ended in this time, or no data",
    )


def _reasons_over_time() -> timeseries.Panel:
    rise = rise_of(
        "llamacloud_batch_items_failed_total", "cluster, namespace, project, reason", OF_PROJECTS
    )
    return lines(
        "New failed items by reason",
        "Items that failed in each step of the graph, of all counted jobs, by the code in their"
        " message. Filtered by project only.",
        {"{{reason}}": f"sum by (reason) ({rise}) > 0"},
        unit="short",
        colours=FAILURE_REASON,
        otherwise="no items failed in this time, or no data",
    )


def _skipped() -> timeseries.Panel:
    rise = rise_of(
        "llamacloud_batch_items_skipped_total",
        "cluster, namespace, project, job_type, reason",
        OF_TYPES,
    )
    return lines(
        "Skipped items by reason",
        "Items that were skipped in each step of the graph. 'already_processed' costs nothing,"
        " 'size_limit_exceeded' is a document without a result. v2 does not report skipped items."
        " Filtered by project and job type.",
        {"{{reason}}": f"sum by (reason) ({rise}) > 0"},
        unit="short",
        colours=SKIP_REASON,
        otherwise="no items were skipped in this time, or no data",
    )


def _processed() -> timeseries.Panel:
    return lines(
        "Items of active jobs: processed and total",
        "Reported with each listing in v1beta, counted in v2. The work is done when the two lines"
        " meet.",
        {
            "total": f"sum({where(TOTAL, ACTIVE)})",
            "processed": f"sum({where(PROCESSED, ACTIVE)})",
        },
        unit="short",
        colours={"total": ITEM_STATUS["pending"], "processed": ITEM_STATUS["completed"]},
        otherwise="no active jobs, or no data",
    )
