"""The exporter's own metric families of each project, in the order in which they are exposed."""

from __future__ import annotations

from exporter.domain import ErrorReason
from exporter.telemetry.family import OwnFamily

POLL_RESULTS = ("success", "partial", "error")
POLL_ERROR_REASONS = tuple(map(str, ErrorReason))
_PROJECT = ("project",)

OWN_PROJECT_FAMILIES = (
    OwnFamily(
        "llamacloud_exporter_project_up",
        "gauge",
        _PROJECT,
        "1 if the last listing of the project's jobs succeeded, 0 if it failed or none was made.",
    ),
    OwnFamily(
        "llamacloud_exporter_project_authenticated",
        "gauge",
        _PROJECT,
        "0 while LlamaCloud refuses the project's API key with 401 or there is no key yet,"
        " otherwise 1; absent before the first answer.",
    ),
    OwnFamily(
        "llamacloud_exporter_polls_total",
        "counter",
        (*_PROJECT, "result"),
        "Polls by result: success; partial if a job could not be refreshed or a row was left out;"
        " error if the jobs could not be listed.",
        starts_with=POLL_RESULTS,
    ),
    OwnFamily(
        "llamacloud_exporter_poll_errors_total",
        "counter",
        (*_PROJECT, "reason"),
        "Polls with the result partial or error, once for each reason.",
        starts_with=POLL_ERROR_REASONS,
    ),
    OwnFamily(
        "llamacloud_exporter_poll_duration_seconds",
        "histogram",
        _PROJECT,
        "Duration of a poll, with its listing and all refreshes.",
        buckets=(
            *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
            *(60.0, 300.0, 900.0, 3600.0),
        ),
    ),
    OwnFamily(
        "llamacloud_exporter_poll_interval_seconds",
        "gauge",
        _PROJECT,
        "Configured interval between two polls of a project.",
    ),
    OwnFamily(
        "llamacloud_exporter_stale_after_seconds",
        "gauge",
        _PROJECT,
        "Age of the last successful listing at which the data of active jobs is withdrawn.",
    ),
    OwnFamily(
        "llamacloud_exporter_last_listing_timestamp_seconds",
        "gauge",
        _PROJECT,
        "Unix time at which the last successful listing ended; absent before the first.",
        attribute="last_listing_at",
    ),
    OwnFamily(
        "llamacloud_exporter_listing_truncated",
        "gauge",
        _PROJECT,
        "1 if the page limit hides jobs, otherwise 0; a listing that stops at known jobs does not"
        " change it.",
        attribute="listing_truncated",
    ),
    OwnFamily(
        "llamacloud_exporter_tracked_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs held in memory, as of the last poll.",
        attribute="tracked_jobs",
    ),
    OwnFamily(
        "llamacloud_exporter_hidden_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs without series of their own because of jobs.max_per_project, as of the last"
        " poll; 0 if that setting is 0.",
        attribute="hidden_jobs",
    ),
    OwnFamily(
        "llamacloud_exporter_api_offered",
        "gauge",
        (*_PROJECT, "api_version"),
        "1 while this generation of LlamaCloud's batch API is read for the project, 0 while it is"
        " set aside; absent before the first listing.",
    ),
    OwnFamily(
        "llamacloud_exporter_api_last_answered_timestamp_seconds",
        "gauge",
        (*_PROJECT, "api_version"),
        "Unix time at which this generation of LlamaCloud's batch API last answered a listing;"
        " absent before its first answer.",
    ),
    OwnFamily(
        "llamacloud_exporter_counting_since_timestamp_seconds",
        "gauge",
        _PROJECT,
        "Unix time of the baseline, after which counters count; absent before the first listing.",
        attribute="counting_since",
    ),
    OwnFamily(
        "llamacloud_exporter_jobs_given_up_total",
        "counter",
        _PROJECT,
        "Ended batch jobs whose items were never fully counted and are no longer requested.",
    ),
    OwnFamily(
        "llamacloud_exporter_uncounted_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs whose items are not all counted, as of the last poll: too large, not reached,"
        " ended and not counted yet, or batches of v2 not read yet.",
        attribute="uncounted_jobs",
    ),
    OwnFamily(
        "llamacloud_exporter_api_requests_total",
        "counter",
        (*_PROJECT, "endpoint", "code"),
        "Requests to LlamaCloud by HTTP status of the answer, or timeout or network if there was"
        " no answer.",
    ),
    OwnFamily(
        "llamacloud_exporter_api_request_duration_seconds",
        "histogram",
        (*_PROJECT, "endpoint"),
        "Duration of one request to LlamaCloud.",
        buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    ),
    OwnFamily(
        "llamacloud_exporter_api_retries_total",
        "counter",
        (*_PROJECT, "endpoint"),
        "Requests to LlamaCloud that were retries of an earlier one.",
    ),
    OwnFamily(
        "llamacloud_exporter_unreadable_rows_total",
        "counter",
        (*_PROJECT, "endpoint"),
        "Rows in LlamaCloud's answers that were left out because they have no usable id, counted"
        " in each answer.",
    ),
    OwnFamily(
        "llamacloud_exporter_unreadable_fields_total",
        "counter",
        (*_PROJECT, "endpoint", "field"),
        "Fields in LlamaCloud's answers that were treated as absent because they cannot be read,"
        " counted in each answer; a field that was always readable has no series.",
    ),
    OwnFamily(
        "llamacloud_exporter_api_budget_limit_requests_per_second",
        "gauge",
        _PROJECT,
        "Configured request budget of the project's API key; projects with the same key share it,"
        " so do not sum it.",
    ),
    OwnFamily(
        "llamacloud_exporter_api_budget_requests_per_second",
        "gauge",
        _PROJECT,
        "Current limit of the request rate of the project's API key; projects with the same key"
        " share it, so do not sum it.",
    ),
    OwnFamily(
        "llamacloud_exporter_api_budget_wait_seconds_total",
        "counter",
        _PROJECT,
        "Time that requests spent waiting for the request budget.",
    ),
)
