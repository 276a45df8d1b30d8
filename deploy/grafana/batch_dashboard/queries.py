"""PromQL that several panels share.

Every query first takes a maximum by project: several exporters may serve one project, and then a
sum would count everything twice, and a join would find two partners.
"""

from __future__ import annotations

from typing import Final

PROJECT: Final = "cluster, namespace, project"
JOB: Final = f"{PROJECT}, job_id"
OF_PROJECTS: Final = 'project=~"$project"'
OF_TYPES: Final = f'{OF_PROJECTS}, job_type=~"$job_type"'
OF_JOBS: Final = f'{OF_PROJECTS}, job_id=~"$job_id"'
# Jobs start and end too seldom for Grafana's own interval.
JOBS_WINDOW: Final = "1h"
_HOUR: Final = 3600

_PICKED: Final = f'max by ({JOB}) (llamacloud_batch_job_info{{{OF_TYPES}, job_id=~"$job_id"}})'


def of_jobs(metric: str, *matchers: str, by: str = JOB) -> str:
    """Return a metric of the jobs that are picked, once for each ``by``."""
    selector = ", ".join((OF_JOBS, *matchers))
    return f"(max by ({by}) ({metric}{{{selector}}}) and on ({JOB}) {_PICKED})"


def of_jobs_in(statuses: str) -> str:
    """Return 1 for each picked job that is in one of the statuses, told apart by bars."""
    status = of_jobs("llamacloud_batch_job_status", f'status=~"{statuses}"')
    return f"({status} == 1)"


def _items_in(status: str) -> str:
    """Return how many items of each picked job are in a status."""
    return of_jobs("llamacloud_batch_job_items", f'item_status="{status}"')


def active_of(selector: str) -> str:
    """Return 1 for each active job that a selector picks."""
    status = of_statuses(selector, "pending|throttled|dispatched|running|unknown")
    return (
        f"({status} unless on (cluster, namespace, project, job_id) {ended_unknown_of(selector)})"
    )


def ended_unknown_of(selector: str) -> str:
    """Return 1 for each job that ended in a status that the exporter does not know."""
    # A job in such a status is active until it has a completion time.
    completed_at = (
        f"max by ({JOB}) (llamacloud_batch_job_completed_timestamp_seconds{{{selector}}})"
    )
    return where(of_statuses(selector, "unknown"), completed_at)


def of_statuses(selector: str, statuses: str) -> str:
    """Return 1 for each job of a selector in one of the statuses, told apart by bars."""
    status = f'llamacloud_batch_job_status{{{selector}, status=~"{statuses}"}}'
    return f"max by (cluster, namespace, project, job_id) ({status}) == 1"


def where(query: str, condition: str) -> str:
    """Return what a query says of the jobs for which another says anything."""
    return f"({query} and on (cluster, namespace, project, job_id) {condition})"


def unless(query: str, *conditions: str) -> str:
    """Return what a query says of the jobs for which no condition says anything."""
    return f"({' unless on (cluster, namespace, project, job_id) '.join((query, *conditions))})"


def first_of(*queries: str) -> str:
    """Return what the first query that knows of a job says of it."""
    return f"({' or on (cluster, namespace, project, job_id) '.join(queries)})"


def minus(query: str, other: str) -> str:
    """Return the difference of two values of a job."""
    return f"({query} - on (cluster, namespace, project, job_id) {other})"


def or_zero(query: str, while_known: str) -> str:
    """Return 0 where a total finds nothing, but only while ``while_known`` is there at all."""
    return f"{query}\nor\n0 * {while_known}"


def rate_of(metric: str, by: str, *matchers: str, window: str = "$__rate_interval") -> str:
    """Return how fast a counter rises, once for each ``by``."""
    return f"max by ({by}) (rate({metric}{{{', '.join(matchers)}}}[{window}]))"


def rise_of(metric: str, by: str, *matchers: str) -> str:
    """Return by how much a counter rose in each step of the graph, once for each ``by``.

    The steps add up to what happened, because each is the difference of two samples: ``increase``
    extrapolates, and loses what happens between the samples of two steps. It stands in where there
    is no sample before, or the counter fell at a restart.
    """
    series = f"{metric}{{{', '.join(matchers)}}}"
    difference = f"{series} - {series} offset $__interval >= 0"
    return f"max by ({by}) ({difference} or round(increase({series}[$__interval])))"


ACTIVE: Final = where(active_of(OF_JOBS), _PICKED)
PENDING: Final = of_jobs_in("pending")
THROTTLED: Final = of_jobs_in("throttled")
# `dispatched` in v2: every file has a job, and some of those have not ended. v1beta documents it
# nowhere; whoever waits for such a job is as badly off.
DISPATCHED: Final = of_jobs_in("dispatched")
STARTED: Final = of_jobs_in("running|dispatched")
ENDED: Final = first_of(
    of_jobs_in("completed|failed|cancelled|gone"), where(ended_unknown_of(OF_JOBS), _PICKED)
)
TOTAL: Final = of_jobs("llamacloud_batch_job_total_items")
PROCESSED: Final = of_jobs("llamacloud_batch_job_processed_items")
FAILED: Final = of_jobs("project_job_id:llamacloud_batch_job_failed_items:max")
# A job that waits may not report what it processed: all of it is left.
LEFT: Final = (
    f"clamp_min({first_of(minus(TOTAL, PROCESSED), where(TOTAL, first_of(PENDING, THROTTLED)))}, 0)"
)
SPEED: Final = of_jobs("project_job_id:llamacloud_batch_job_processed_items:deriv15m")
SECONDS_LEFT: Final = of_jobs(
    "project_job_id:llamacloud_batch_job_time_to_completion_seconds:deriv15m"
)
REFRESHED: Final = of_jobs("llamacloud_batch_job_last_refreshed_timestamp_seconds")
_PROGRESSED: Final = of_jobs("llamacloud_batch_job_last_progress_timestamp_seconds")
# A batch of v2 that runs gives no results: nothing of it moves for hours, and that is no fault.
_RUNNING_WITH_ITEMS: Final = where(
    of_jobs_in("running"),
    "max by (cluster, namespace, project, job_id)"
    f" (llamacloud_batch_job_total_items{{{OF_JOBS}}} or llamacloud_batch_job_items{{{OF_JOBS}}})",
)
# Up to the last refresh and not up to now: a job that is not asked for may well be making progress.
_QUIET: Final = minus(REFRESHED, _PROGRESSED)
# A dispatched batch whose items all wait, or have ended, is queued behind others.
_ITEMS_WAIT: Final = where(f"({_items_in('processing')} == 0)", f"({_items_in('pending')} > 0)")
QUIET: Final = where(_QUIET, first_of(unless(DISPATCHED, _ITEMS_WAIT), _RUNNING_WITH_ITEMS))
# Each change between pending and throttled is progress, and yet no work: what counts is the age of
# a job that was not at work in the last hour, and of whose items none moved.
_RAN_WITHIN_AN_HOUR: Final = (
    "(max by (cluster, namespace, project, job_id)"
    f' (max_over_time(llamacloud_batch_job_status{{{OF_JOBS}, status="running"}}[1h])) == 1)'
)
_THROTTLED_AND_MOVING: Final = where(
    THROTTLED, where(TOTAL, f"((time() - {_PROGRESSED}) < {_HOUR})")
)
_WAITS_FOR_AN_HOUR: Final = first_of(
    unless(first_of(PENDING, THROTTLED), _RAN_WITHIN_AN_HOUR, _THROTTLED_AND_MOVING),
    where(where(DISPATCHED, _ITEMS_WAIT), f"({_QUIET} > {_HOUR})"),
)
_AGE: Final = (
    "(time() - (max by (cluster, namespace, project, job_id)"
    f" (llamacloud_batch_job_created_timestamp_seconds{{{OF_JOBS}}}"
    f" or llamacloud_batch_job_last_progress_timestamp_seconds{{{OF_JOBS}}})"
    f" and on (cluster, namespace, project, job_id) {_PICKED}))"
)
QUEUED_TOO_LONG: Final = where(f"({_AGE} > {_HOUR})", _WAITS_FOR_AN_HOUR)
LISTING_AGE: Final = (
    "(time() - max by (cluster, namespace, project) "
    f"(llamacloud_exporter_last_listing_timestamp_seconds{{{OF_PROJECTS}}}))"
)
# Gauges of a project are there from its first listing until it is stale.
_ACTIVE_GAUGE: Final = (
    f"max by ({PROJECT}, job_type, status) (llamacloud_batch_active_jobs{{{OF_TYPES}}})"
)
ACTIVE_JOBS: Final = f"sum({_ACTIVE_GAUGE})"
INCOMPLETE_PROJECTS: Final = (
    f"count(max by (cluster, namespace, project) (llamacloud_exporter_project_up{{{OF_PROJECTS}}})"
    f" unless on (cluster, namespace, project) {_ACTIVE_GAUGE}) > 0"
)
_INFO_OF_TYPES: Final = (
    f"max by (cluster, namespace, project, job_id) (llamacloud_batch_job_info{{{OF_TYPES}}})"
)
_ACTIVE_AND_SHOWN: Final = where(active_of(OF_PROJECTS), _INFO_OF_TYPES)
# There only while jobs are listed, and in no project all active ones lack series of their own.
ACTIVE_JOBS_SHOWN: Final = (
    f"({ACTIVE_JOBS} unless"
    f" count(sum by ({PROJECT}) ({_ACTIVE_GAUGE}) > 0"
    f" unless on ({PROJECT}) {_ACTIVE_AND_SHOWN}))"
)
_FAILING_AND_SHOWN: Final = (
    f"(project_job_id:llamacloud_batch_job_failed_items:max{{{OF_PROJECTS}}} > 0"
    " or on (cluster, namespace, project, job_id) max by (cluster, namespace, project, job_id)"
    f' (llamacloud_batch_job_status{{{OF_PROJECTS}, status="failed"}}) == 1)'
)
# What had ended stays when a project is stale, and failed all the same.
FAILING_JOBS: Final = (
    "sum(sum by (cluster, namespace, project)"
    f" (max by ({PROJECT}, job_type) (llamacloud_batch_failing_jobs{{{OF_TYPES}}}))"
    " or on (cluster, namespace, project) count by (cluster, namespace, project)"
    f" ({where(_FAILING_AND_SHOWN, _INFO_OF_TYPES)}))"
)
