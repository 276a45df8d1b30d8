"""PromQL that several panels share.

Every query first takes ``max by (project, ...)``: several exporters may serve one project, and then
a sum would count everything twice, and a join would find two partners.
"""

from __future__ import annotations

from typing import Final

OF_PROJECTS: Final = 'project=~"$project"'
OF_TYPES: Final = f'{OF_PROJECTS}, job_type=~"$job_type"'
OF_JOBS: Final = f'{OF_PROJECTS}, job_id=~"$job_id"'
# What a job is doing, fitted to the data of thirty polls at the usual interval, which is the step.
SLOPE: Final = "15m:30s"
# Jobs start and end too seldom for Grafana's own interval.
JOBS_WINDOW: Final = "1h"

_PICKED: Final = (
    f'max by (project, job_id) (llamacloud_batch_job_info{{{OF_TYPES}, job_id=~"$job_id"}})'
)


def of_jobs(metric: str, *matchers: str, by: str = "project, job_id") -> str:
    """Return a metric of the jobs that are picked, once for each ``by``."""
    selector = ", ".join((OF_JOBS, *matchers))
    return f"(max by ({by}) ({metric}{{{selector}}}) and on (project, job_id) {_PICKED})"


def of_jobs_in(statuses: str) -> str:
    """Return 1 for each picked job that is in one of the statuses, told apart by bars."""
    status = of_jobs("llamacloud_batch_job_status", f'status=~"{statuses}"')
    return f"({status} == 1)"


def where(query: str, condition: str) -> str:
    """Return what a query says of the jobs for which another says anything."""
    return f"({query} and on (project, job_id) {condition})"


def first_of(*queries: str) -> str:
    """Return what the first query that knows of a job says of it."""
    return f"({' or on (project, job_id) '.join(queries)})"


def minus(query: str, other: str) -> str:
    """Return the difference of two values of a job."""
    return f"({query} - on (project, job_id) {other})"


def or_zero(query: str, while_known: str) -> str:
    """Return 0 where a total finds nothing, but only while ``while_known`` is there at all."""
    return f"{query}\nor\n0 * {while_known}"


def rate_of(metric: str, by: str, *matchers: str, window: str = "$__rate_interval") -> str:
    """Return how fast a counter rises, once for each ``by``."""
    return f"max by ({by}) (rate({metric}{{{', '.join(matchers)}}}[{window}]))"


def rise_of(metric: str, by: str, *matchers: str) -> str:
    """Return by how much a counter rose in each step of the graph, once for each ``by``."""
    return f"max by ({by}) (increase({metric}{{{', '.join(matchers)}}}[$__rate_interval]))"


ACTIVE: Final = of_jobs_in("pending|dispatched|running|unknown")
RUNNING: Final = of_jobs_in("running")
ENDED: Final = of_jobs_in("completed|failed|cancelled|gone")
TOTAL: Final = of_jobs("llamacloud_batch_job_total_items")
PROCESSED: Final = of_jobs("llamacloud_batch_job_processed_items")
# What a job reports and what was counted are of different age; a job may be too large to count.
FAILED: Final = (
    "(max by (project, job_id) "
    f"(llamacloud_batch_job_failed_items{{{OF_JOBS}}}"
    f' or llamacloud_batch_job_items{{{OF_JOBS}, item_status="failed"}})'
    f" and on (project, job_id) {_PICKED})"
)
LEFT: Final = f"clamp_min({minus(TOTAL, PROCESSED)}, 0)"
_STARTED: Final = "running|dispatched"
# Only from while the job ran: hours at 0 in the queue before would make it look slow.
SPEED: Final = where(
    f"deriv({where(PROCESSED, of_jobs_in(_STARTED))}[{SLOPE}])", of_jobs_in(_STARTED)
)
SECONDS_LEFT: Final = f"({LEFT} / on (project, job_id) ({SPEED} > 0))"
REFRESHED: Final = of_jobs("llamacloud_batch_job_last_refreshed_timestamp_seconds")
# Up to the last refresh and not up to now: a job that is not asked for may well be making progress.
QUIET: Final = where(
    minus(REFRESHED, of_jobs("llamacloud_batch_job_last_progress_timestamp_seconds")), RUNNING
)
QUEUED: Final = where(
    f"(time() - {of_jobs('llamacloud_batch_job_created_timestamp_seconds')})",
    of_jobs_in("pending"),
)
LISTING_AGE: Final = (
    "(time() - max by (project) "
    f"(llamacloud_exporter_last_listing_timestamp_seconds{{{OF_PROJECTS}}}))"
)
# Gauges of a project are there from its first listing until it is stale.
ACTIVE_JOBS: Final = (
    f"sum(max by (project, job_type, status) (llamacloud_batch_active_jobs{{{OF_TYPES}}}))"
)
