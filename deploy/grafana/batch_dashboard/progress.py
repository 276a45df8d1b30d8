"""How the work goes over time: items, throughput, failures, skips."""

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
        "Counted items of the jobs shown in the table, those that ended included until they leave."
        " Jobs that are too large to be counted, or were not reached yet, are missing.",
        {"{{item_status}}": f"sum by (item_status) ({items})"},
        unit="short",
        colours=ITEM_STATUS,
    )


def _active_jobs() -> timeseries.Panel:
    jobs = f"max by ({PROJECT}, job_type, status) (llamacloud_batch_active_jobs{{{OF_TYPES}}})"
    return lines(
        "Active jobs by status",
        "Jobs that wait or run, those without series of their own included. Follows project and job"
        " type. A gap is a time in which the project was stale.",
        {"{{status}}": f"sum by (status) ({jobs})"},
        unit="short",
        colours=JOB_STATUS,
    )


def _throughput() -> timeseries.Panel:
    by = "cluster, namespace, project, job_type, item_status"
    rate = rate_of("llamacloud_batch_items_finished_total", by, OF_TYPES)
    return lines(
        "Items that end a minute",
        "Items that ended in each status, of all jobs. An item that is retried counts once in a"
        " status. Follows project and job type.",
        {"{{item_status}}": f"60 * sum by (item_status) ({rate})"},
        unit="cpm",
        colours=ITEM_STATUS,
    )


def _speed() -> timeseries.Panel:
    return lines(
        "Items processed a minute, by job",
        "How fast each running job gets on, over the last 15 minutes, by its processed items, which"
        " v1beta reports and v2 has counted; the 20 fastest. A job at 0 is stuck, or has one very"
        " large document. A batch of v2 has no line before its items are known.",
        {"{{project}} {{job_id}}": f"topk(20, 60 * {SPEED})"},
        unit="cpm",
        otherwise="no job runs, or no data",
    )


def _failed() -> timeseries.Panel:
    return lines(
        "Failed items by job",
        "Failed items of each job that has any, reported or counted, whichever is more; the 20 with"
        " the most. A line ends when its job leaves, 24 hours after its end unless set.",
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
        "Counted failed items of the jobs shown in the table, by the code in their message: none is"
        " an item without a message, other a message without a code; the log has some messages.",
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
        "Jobs seen to end in each step of the graph. Follows project and job type.",
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
        "Items that failed, by reason",
        "Items seen to fail in each step of the graph, of all jobs that are counted, by the code in"
        " their message. Follows the project alone.",
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
        "Items seen to be skipped in each step of the graph: already_processed costs nothing,"
        " size_limit_exceeded is a document that has no result. v2 tells of no skipped items."
        " Follows project and job type.",
        {"{{reason}}": f"sum by (reason) ({rise}) > 0"},
        unit="short",
        colours=SKIP_REASON,
        otherwise="no items were skipped in this time, or no data",
    )


def _processed() -> timeseries.Panel:
    return lines(
        "Items of active jobs: processed and in all",
        "As v1beta reports them with each listing, and as they are counted in v2. Where the two"
        " meet, the work is done.",
        {
            "in all": f"sum({where(TOTAL, ACTIVE)})",
            "processed": f"sum({where(PROCESSED, ACTIVE)})",
        },
        unit="short",
        colours={"in all": ITEM_STATUS["pending"], "processed": ITEM_STATUS["completed"]},
        otherwise="no active jobs, or no data",
    )
