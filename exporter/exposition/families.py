"""The metric families about batch jobs, in the order in which they are exposed."""

from __future__ import annotations

from exporter.exposition.text import Family

_JOB = ("project", "job_id")

_JOB_FAMILIES = (
    Family(
        "llamacloud_batch_job_info",
        "gauge",
        (*_JOB, "job_type", "directory_id", "api_version", "configuration_id"),
        "Properties of a batch job that do not change, as labels; always 1.",
    ),
    Family(
        "llamacloud_batch_job_status",
        "gauge",
        (*_JOB, "status"),
        "1 for the status of a batch job, 0 for every other status, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_job_progress_ratio",
        "gauge",
        _JOB,
        "Progress of a batch job from 0 to 1, as of the last poll: as LlamaCloud reports it, in v2"
        " the share of its items that have ended.",
    ),
    Family(
        "llamacloud_batch_job_total_items",
        "gauge",
        _JOB,
        "Total number of items of a batch job, as of the last poll; it can grow while a job"
        " starts.",
    ),
    Family(
        "llamacloud_batch_job_processed_items",
        "gauge",
        _JOB,
        "Processed items of a batch job, as of the last poll: as LlamaCloud reports them, in v2"
        " all items that have ended.",
    ),
    Family(
        "llamacloud_batch_job_failed_items",
        "gauge",
        _JOB,
        "Failed items of a batch job, as of the last poll: as LlamaCloud reports them, in v2"
        " counted item by item.",
    ),
    Family(
        "llamacloud_batch_job_skipped_items",
        "gauge",
        _JOB,
        "Skipped items of a batch job as LlamaCloud reports them, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_job_item_failures",
        "gauge",
        (*_JOB, "reason"),
        "Failed items of a batch job by reason, counted item by item, as of the last poll that"
        " counted them.",
    ),
    Family(
        "llamacloud_batch_job_items",
        "gauge",
        (*_JOB, "item_status"),
        "Items of a batch job by status, counted item by item, as of the last poll that counted"
        " them.",
    ),
    Family(
        "llamacloud_batch_job_created_timestamp_seconds",
        "gauge",
        _JOB,
        "Unix time at which a batch job was created, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_job_started_timestamp_seconds",
        "gauge",
        _JOB,
        "Unix time at which a batch job started, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_job_completed_timestamp_seconds",
        "gauge",
        _JOB,
        "Unix time at which a batch job completed, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_job_last_progress_timestamp_seconds",
        "gauge",
        _JOB,
        "Unix time at which a batch job's status, progress or a count last changed, as of the last"
        " poll.",
    ),
    Family(
        "llamacloud_batch_job_last_refreshed_timestamp_seconds",
        "gauge",
        _JOB,
        "Unix time at which a batch job's status was last fetched.",
    ),
    Family(
        "llamacloud_batch_job_items_last_counted_timestamp_seconds",
        "gauge",
        _JOB,
        "Unix time at which a batch job's items were last counted.",
    ),
)

_PROJECT_FAMILIES = (
    Family(
        "llamacloud_batch_project_info",
        "gauge",
        ("project", "project_id", "organization_id"),
        "LlamaCloud's ids of a configured project, as labels; always 1.",
    ),
    Family(
        "llamacloud_batch_active_jobs",
        "gauge",
        ("project", "job_type", "status"),
        "Batch jobs that are pending, throttled, running, dispatched, or in an unknown status"
        " without a completion time, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_active_items",
        "gauge",
        ("project", "item_status"),
        "Counted items of the active batch jobs by status, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_failing_jobs",
        "gauge",
        ("project", "job_type"),
        "Batch jobs, active or kept after their end, that failed or have failed items, as of the"
        " last poll.",
    ),
    Family(
        "llamacloud_batch_jobs_finished_total",
        "counter",
        ("project", "job_type", "status"),
        "Batch jobs that ended, by final status, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_items_finished_total",
        "counter",
        ("project", "job_type", "item_status"),
        "Items of batch jobs that ended, by status, as of the last poll; each job adds the"
        " greatest number that it had in a status at one time.",
    ),
    Family(
        "llamacloud_batch_items_failed_total",
        "counter",
        ("project", "reason"),
        "Failed items of batch jobs by reason, counted item by item, as of the last poll; each job"
        " adds the greatest number that it had for a reason at one time.",
    ),
    Family(
        "llamacloud_batch_items_skipped_total",
        "counter",
        ("project", "job_type", "reason"),
        "Skipped items of batch jobs by reason, as of the last poll.",
    ),
    Family(
        "llamacloud_batch_queue_duration_seconds",
        "histogram",
        ("project", "job_type"),
        "Time from the creation of a batch job to its start, observed once for each job, as of the"
        " last poll.",
    ),
    Family(
        "llamacloud_batch_run_duration_seconds",
        "histogram",
        ("project", "job_type", "status"),
        "Time from the start of a batch job to its completion, observed once for each job, as of"
        " the last poll.",
    ),
    Family(
        "llamacloud_batch_turnaround_duration_seconds",
        "histogram",
        ("project", "job_type"),
        "Time from the creation of a batch job to its completion, observed once for each job, as"
        " of the last poll.",
    ),
    Family(
        "llamacloud_batch_item_duration_seconds",
        "histogram",
        ("project", "job_type"),
        "Time from the start of an item to its completion, observed once for each item of an ended"
        " batch job, as of the last poll.",
    ),
)

FAMILIES = _JOB_FAMILIES + _PROJECT_FAMILIES
