"""The exporter's own metric families, in the order in which they are exposed."""

from __future__ import annotations

from exporter.exposition import Family

_PROJECT = ("project",)

FAMILIES = (
    Family(
        "llamacloud_exporter_build_info",
        "gauge",
        ("version", "revision", "python_version"),
        "Version and revision of the exporter, and version of Python, as labels; always 1.",
    ),
    Family(
        "llamacloud_exporter_project_up",
        "gauge",
        _PROJECT,
        "1 if the last listing of the project's jobs succeeded, 0 if it failed or none was made.",
    ),
    Family(
        "llamacloud_exporter_project_authenticated",
        "gauge",
        _PROJECT,
        "0 while LlamaCloud refuses the project's API key with 401 or there is no key yet,"
        " otherwise 1; absent before the first answer.",
    ),
    Family(
        "llamacloud_exporter_polls_total",
        "counter",
        (*_PROJECT, "result"),
        "Polls by result: success; partial if a job could not be refreshed or a row was left out;"
        " error if the jobs could not be listed.",
    ),
    Family(
        "llamacloud_exporter_poll_errors_total",
        "counter",
        (*_PROJECT, "reason"),
        "Polls with the result partial or error, once for each reason.",
    ),
    Family(
        "llamacloud_exporter_poll_duration_seconds",
        "histogram",
        _PROJECT,
        "Duration of a poll, with its listing and all refreshes.",
    ),
    Family(
        "llamacloud_exporter_poll_interval_seconds",
        "gauge",
        _PROJECT,
        "Configured interval between two polls of a project.",
    ),
    Family(
        "llamacloud_exporter_stale_after_seconds",
        "gauge",
        _PROJECT,
        "Age of the last successful listing at which the data of active jobs is withdrawn.",
    ),
    Family(
        "llamacloud_exporter_last_listing_timestamp_seconds",
        "gauge",
        _PROJECT,
        "Unix time at which the last successful listing ended; absent before the first.",
    ),
    Family(
        "llamacloud_exporter_listing_truncated",
        "gauge",
        _PROJECT,
        "1 if the page limit hides jobs, otherwise 0; a listing that cannot tell does not change"
        " it.",
    ),
    Family(
        "llamacloud_exporter_tracked_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs held in memory, as of the last poll.",
    ),
    Family(
        "llamacloud_exporter_hidden_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs without series of their own because of jobs.max_per_project, as of the last"
        " poll; 0 if that setting is 0.",
    ),
    Family(
        "llamacloud_exporter_api_offered",
        "gauge",
        (*_PROJECT, "api_version"),
        "1 while this generation of LlamaCloud's batch API is read for the project, 0 while it is"
        " set aside; absent before the first listing.",
    ),
    Family(
        "llamacloud_exporter_api_last_answered_timestamp_seconds",
        "gauge",
        (*_PROJECT, "api_version"),
        "Unix time at which this generation of LlamaCloud's batch API last answered a listing;"
        " absent before its first answer.",
    ),
    Family(
        "llamacloud_exporter_counting_since_timestamp_seconds",
        "gauge",
        _PROJECT,
        "Unix time of the baseline, after which counters count; absent before the first listing.",
    ),
    Family(
        "llamacloud_exporter_jobs_given_up_total",
        "counter",
        _PROJECT,
        "Ended batch jobs whose items were never fully counted and are no longer requested.",
    ),
    Family(
        "llamacloud_exporter_uncounted_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs whose items are not all counted, as of the last poll: too large, not reached,"
        " ended and not counted yet, or batches of v2 not read yet.",
    ),
    Family(
        "llamacloud_exporter_api_requests_total",
        "counter",
        (*_PROJECT, "endpoint", "code"),
        "Requests to LlamaCloud by HTTP status of the answer, or timeout or network if there was"
        " no answer.",
    ),
    Family(
        "llamacloud_exporter_api_request_duration_seconds",
        "histogram",
        (*_PROJECT, "endpoint"),
        "Duration of one request to LlamaCloud.",
    ),
    Family(
        "llamacloud_exporter_api_retries_total",
        "counter",
        (*_PROJECT, "endpoint"),
        "Requests to LlamaCloud that were retries of an earlier one.",
    ),
    Family(
        "llamacloud_exporter_unreadable_rows_total",
        "counter",
        (*_PROJECT, "endpoint"),
        "Rows in LlamaCloud's answers that were left out because they have no usable id, counted"
        " in each answer.",
    ),
    Family(
        "llamacloud_exporter_unreadable_fields_total",
        "counter",
        (*_PROJECT, "endpoint", "field"),
        "Fields in LlamaCloud's answers that were treated as absent because they cannot be read,"
        " counted in each answer; a field that was always readable has no series.",
    ),
    Family(
        "llamacloud_exporter_api_budget_limit_requests_per_second",
        "gauge",
        _PROJECT,
        "Configured request budget of the project's API key; projects with the same key share it,"
        " so do not sum it.",
    ),
    Family(
        "llamacloud_exporter_api_budget_requests_per_second",
        "gauge",
        _PROJECT,
        "Current limit of the request rate of the project's API key; projects with the same key"
        " share it, so do not sum it.",
    ),
    Family(
        "llamacloud_exporter_api_budget_wait_seconds_total",
        "counter",
        _PROJECT,
        "Time that requests spent waiting for the request budget.",
    ),
    Family(
        "llamacloud_exporter_log_records_dropped_total",
        "counter",
        (),
        "Log records that could not be written because standard error is closed, full or read too"
        " slowly.",
    ),
    Family(
        "llamacloud_exporter_config_last_reload_successful",
        "gauge",
        (),
        "1 if the last reload of the settings and of the web configuration file succeeded or there"
        " was none, otherwise 0.",
    ),
    Family(
        "llamacloud_exporter_config_last_reload_success_timestamp_seconds",
        "gauge",
        (),
        "Unix time of the last successful reload of the settings or the web configuration file;"
        " before the first, that of the start.",
    ),
    Family(
        "llamacloud_exporter_state_last_write_successful",
        "gauge",
        (),
        "1 if the state file contains what is published, 0 if it could not be written or is not"
        " used; absent without state.file.",
    ),
)
