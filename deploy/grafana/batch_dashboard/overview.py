"""At the top: what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_dashboard.colours import BAD, BUSY, GOOD, WARNING, steps
from batch_dashboard.links import runbook
from batch_dashboard.panels import incomplete, number
from batch_dashboard.queries import (
    ACTIVE,
    ACTIVE_JOBS,
    ACTIVE_JOBS_SHOWN,
    DATA_AGE,
    FAILING_JOBS,
    LEFT,
    LISTING_AGE,
    OF_PROJECTS,
    WAITING,
    WITHOUT_PROGRESS,
    or_zero,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.builders import stat

_MINUTE = 60
_HALF_AN_HOUR = 30 * _MINUTE
_HOUR = 60 * _MINUTE


def panels() -> Iterator[stat.Panel]:
    """Return a line of large numbers."""
    totals = (_active(), _failing(), _left(), _at_risk())
    for panel in (*map(incomplete, totals), _oldest(), _unreachable()):
        yield panel.height(4).span(4)


def _active() -> stat.Panel:
    return number(
        "Active jobs",
        "Jobs that are pending, throttled, dispatched, running, or in a status that the exporter"
        " does not know. Includes jobs without series of their own. Filtered by project and job"
        " type.",
        ACTIVE_JOBS,
    )


def _failing() -> stat.Panel:
    return number(
        "Failing jobs",
        "Jobs that failed or have failed items: active jobs, and jobs that ended within retention"
        " (24 hours by default). Filtered by project and job type. For a stale project, only ended"
        " jobs count.",
        FAILING_JOBS,
        colours=steps(GOOD, (1, BAD)),
        links=[runbook("LlamaCloudBatchItemsFailed"), runbook("LlamaCloudBatchJobFailed")],
    )


def _left() -> stat.Panel:
    return number(
        "Items left",
        "Items of active jobs that are not processed yet. All items of a pending or throttled job"
        " are left. Not included: jobs without series of their own (see 'Missing data' below),"
        " running jobs that do not report processed items, and batches of v2 whose items are not"
        " known.",
        or_zero(f"sum({where(LEFT, ACTIVE)})", f"({ACTIVE_JOBS_SHOWN} unless count({ACTIVE}))"),
    )


def _at_risk() -> stat.Panel:
    at_risk = f"{WITHOUT_PROGRESS} > {_HALF_AN_HOUR} or {WAITING} > {_HOUR}"
    return number(
        "Jobs at risk",
        "Jobs without progress for half an hour, and jobs that have waited in the queue for an"
        " hour: those that the alerts LlamaCloudBatchJobStuck and LlamaCloudBatchJobQueuedTooLong"
        " watch.",
        or_zero(f"count({at_risk})", ACTIVE_JOBS_SHOWN),
        colours=steps(GOOD, (1, WARNING)),
        links=[
            runbook("LlamaCloudBatchJobStuck"),
            runbook("LlamaCloudBatchJobQueuedTooLong"),
        ],
    )


def _oldest() -> stat.Panel:
    return number(
        "Oldest data",
        "The age of the oldest listing of a project, or the age of the oldest data of an active"
        " job, whichever is greater. With many active jobs and a small request budget, jobs are"
        " refreshed in turn, so the age grows. The status of a job is as fresh as the listing.",
        f"max({LISTING_AGE} or {DATA_AGE})",
        unit="s",
        colours=steps(BUSY, (5 * _MINUTE, WARNING), (30 * _MINUTE, BAD)),
        links=[
            runbook("LlamaCloudExporterDataStale"),
            runbook("LlamaCloudExporterBudgetTooSmall"),
        ],
    )


def _unreachable() -> stat.Panel:
    listed = (
        f"max by (cluster, namespace, project) (llamacloud_exporter_project_up{{{OF_PROJECTS}}})"
    )
    return number(
        "Projects not listed",
        "Projects whose last listing failed, or that were not listed since the exporter started."
        " Their jobs are shown unchanged until the project is stale, and are then withdrawn.",
        or_zero(f"count({listed} == 0)", f"count({listed})"),
        colours=steps(GOOD, (1, BAD)),
        links=[
            runbook("LlamaCloudExporterListingFailing"),
            runbook("LlamaCloudExporterProjectNotAuthenticated"),
        ],
    )
