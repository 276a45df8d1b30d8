"""PromQL that several panels share.

Every query first takes a maximum by project: several exporters may serve one project, and then a
sum would count everything twice, and a join would find two partners.
"""

from __future__ import annotations

from typing import Final

PROJECT: Final = "cluster, namespace, project"
JOB: Final = f"{PROJECT}, job_id"
# Where a label is missing, All picks the series without it.
OF_CLUSTERS: Final = 'cluster=~"$cluster", namespace=~"$namespace"'
OF_PROJECTS: Final = f'{OF_CLUSTERS}, project=~"$project"'
OF_TYPES: Final = f'{OF_PROJECTS}, job_type=~"$job_type"'
OF_JOBS: Final = f'{OF_PROJECTS}, job_id=~"$job_id"'
# Jobs start and end too seldom for Grafana's own interval.
JOBS_WINDOW: Final = "1h"

_PICKED: Final = f'max by ({JOB}) (llamacloud_batch_job_info{{{OF_TYPES}, job_id=~"$job_id"}})'


def of_jobs(metric: str, *matchers: str, by: str = JOB) -> str:
    """Return a metric of the jobs that are picked, once for each ``by``."""
    selector = ", ".join((OF_JOBS, *matchers))
    return f"(max by ({by}) ({metric}{{{selector}}}) and on ({JOB}) {_PICKED})"


def of_jobs_in(statuses: str) -> str:
    """Return 1 for each picked job that is in one of the statuses, which bars separate."""
    status = of_jobs("llamacloud_batch_job_status", f'status=~"{statuses}"')
    return f"({status} == 1)"


def where(query: str, condition: str) -> str:
    """Return the values of a query for the jobs for which a condition has a value."""
    return f"({query} and on (cluster, namespace, project, job_id) {condition})"


def first_of(*queries: str) -> str:
    """Return the value of each job from the first query that has one."""
    return f"({' or on (cluster, namespace, project, job_id) '.join(queries)})"


def minus(query: str, other: str) -> str:
    """Return the difference of two values of a job."""
    return f"({query} - on (cluster, namespace, project, job_id) {other})"


def or_zero(query: str, while_known: str) -> str:
    """Return a total that is 0 where nothing is found, if ``while_known`` has a value."""
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


ACTIVE: Final = of_jobs("project_job_id:llamacloud_batch_job_active:max")
# A job that waits may not report what it processed: all of it is left.
_NOT_STARTED: Final = of_jobs_in("pending|throttled")
TOTAL: Final = of_jobs("llamacloud_batch_job_total_items")
PROCESSED: Final = of_jobs("llamacloud_batch_job_processed_items")
FAILED: Final = of_jobs("project_job_id:llamacloud_batch_job_failed_items:max")
LEFT: Final = f"clamp_min({first_of(minus(TOTAL, PROCESSED), where(TOTAL, _NOT_STARTED))}, 0)"
SPEED: Final = of_jobs("project_job_id:llamacloud_batch_job_processed_items:deriv15m")
SECONDS_LEFT: Final = of_jobs(
    "project_job_id:llamacloud_batch_job_time_to_completion_seconds:deriv15m"
)
DATA_AGE: Final = of_jobs("project_job_id:llamacloud_batch_job_data_age_seconds:max")
WITHOUT_PROGRESS: Final = of_jobs(
    "project_job_id:llamacloud_batch_job_without_progress_seconds:max"
)
WAITING: Final = of_jobs("project_job_id:llamacloud_batch_job_waiting_seconds:max")
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
_ACTIVE_AND_SHOWN: Final = where(
    f"project_job_id:llamacloud_batch_job_active:max{{{OF_PROJECTS}}}", _INFO_OF_TYPES
)
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
