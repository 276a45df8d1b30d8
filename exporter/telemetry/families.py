"""The exporter's own metric families, in the order in which they are exposed."""

from __future__ import annotations

from exporter.exposition import Family

_PROJECT = ("project",)

FAMILIES = (
    Family(
        "llamacloud_exporter_build_info",
        "gauge",
        ("version", "revision", "python_version"),
        "What runs: the exporter's version, its revision and Python's version; always 1.",
    ),
    Family(
        "llamacloud_exporter_project_up",
        "gauge",
        _PROJECT,
        "1 if the last listing of the project's jobs succeeded, 0 if not or before the first.",
    ),
    Family(
        "llamacloud_exporter_project_authenticated",
        "gauge",
        _PROJECT,
        "0 while LlamaCloud refuses the project's API key with 401, or while there is no key yet,"
        " otherwise 1; absent before the first answer.",
    ),
    Family(
        "llamacloud_exporter_polls_total",
        "counter",
        (*_PROJECT, "result"),
        "Polls by result: success, partial if some job could not be refreshed or some row was left"
        " out, error if the jobs could not be listed.",
    ),
    Family(
        "llamacloud_exporter_poll_errors_total",
        "counter",
        (*_PROJECT, "reason"),
        "Polls that were not a success, once for each reason.",
    ),
    Family(
        "llamacloud_exporter_poll_duration_seconds",
        "histogram",
        _PROJECT,
        "Time that one poll took, its listing and refreshes together.",
    ),
    Family(
        "llamacloud_exporter_poll_interval_seconds",
        "gauge",
        _PROJECT,
        "Interval between polls that the exporter aims at.",
    ),
    Family(
        "llamacloud_exporter_stale_after_seconds",
        "gauge",
        _PROJECT,
        "Age of the last successful listing at which the project's active data is withdrawn.",
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
        "1 if the page limit hides jobs, by the last listing that could tell, otherwise 0.",
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
        "Batch jobs kept out of the series of each job by the cap, as of the last poll; 0 where"
        " jobs.max_per_project is 0.",
    ),
    Family(
        "llamacloud_exporter_api_offered",
        "gauge",
        (*_PROJECT, "api_version"),
        "1 while the project is read by this generation of LlamaCloud's batch API, 0 while it is"
        " set aside; absent before the first listing.",
    ),
    Family(
        "llamacloud_exporter_api_last_answered_timestamp_seconds",
        "gauge",
        (*_PROJECT, "api_version"),
        "Unix time at which the last listing ended that this generation of LlamaCloud's batch API"
        " answered; absent before its first answer.",
    ),
    Family(
        "llamacloud_exporter_counting_since_timestamp_seconds",
        "gauge",
        _PROJECT,
        "Unix time of the baseline: counters tell what happened after it; absent before the first"
        " listing.",
    ),
    Family(
        "llamacloud_exporter_jobs_given_up_total",
        "counter",
        _PROJECT,
        "Ended batch jobs whose items were never fully counted, and are no longer asked for.",
    ),
    Family(
        "llamacloud_exporter_uncounted_jobs",
        "gauge",
        _PROJECT,
        "Batch jobs whose items are not all counted, too large, not reached, ended and not"
        " counted yet, or batches of v2 not read yet, as of the last poll.",
    ),
    Family(
        "llamacloud_exporter_api_requests_total",
        "counter",
        (*_PROJECT, "endpoint", "code"),
        "Requests sent to LlamaCloud, by the HTTP status of the answer, or timeout or network"
        " where there was none.",
    ),
    Family(
        "llamacloud_exporter_api_request_duration_seconds",
        "histogram",
        (*_PROJECT, "endpoint"),
        "Time that one request to LlamaCloud took.",
    ),
    Family(
        "llamacloud_exporter_api_retries_total",
        "counter",
        (*_PROJECT, "endpoint"),
        "Requests to LlamaCloud that were a retry of an earlier one.",
    ),
    Family(
        "llamacloud_exporter_unreadable_rows_total",
        "counter",
        (*_PROJECT, "endpoint"),
        "Rows of LlamaCloud's answers that were left out because they have no usable id, once for"
        " each answer.",
    ),
    Family(
        "llamacloud_exporter_unreadable_fields_total",
        "counter",
        (*_PROJECT, "endpoint", "field"),
        "Fields of LlamaCloud's answers that were taken as absent because they cannot be read, once"
        " for each answer; no series for a field that was always readable.",
    ),
    Family(
        "llamacloud_exporter_api_budget_limit_requests_per_second",
        "gauge",
        _PROJECT,
        "Configured request budget of the project's API key; projects that share a key share it,"
        " so do not sum.",
    ),
    Family(
        "llamacloud_exporter_api_budget_requests_per_second",
        "gauge",
        _PROJECT,
        "Request rate that the project's API key is allowed at the moment; projects that share a"
        " key share it, so do not sum.",
    ),
    Family(
        "llamacloud_exporter_api_budget_wait_seconds_total",
        "counter",
        _PROJECT,
        "Time that requests waited for the request budget.",
    ),
    Family(
        "llamacloud_exporter_log_records_dropped_total",
        "counter",
        (),
        "Log records that could not be written, because standard error is closed, full, or read too"
        " slowly.",
    ),
    Family(
        "llamacloud_exporter_config_last_reload_successful",
        "gauge",
        (),
        "1 if the last reload of the settings and that of the web configuration file succeeded, or"
        " there was none, 0 while either is refused.",
    ),
    Family(
        "llamacloud_exporter_config_last_reload_success_timestamp_seconds",
        "gauge",
        (),
        "Unix time at which the settings or the web configuration file were last reloaded with"
        " success; at first that of the start.",
    ),
    Family(
        "llamacloud_exporter_state_last_write_successful",
        "gauge",
        (),
        "1 if the state file holds what is published, 0 if it could not be written or is not used;"
        " absent without state.file.",
    ),
)
