"""Views for tests of rendering."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from exporter.domain import (
    FAILURE_REASONS,
    ITEM_DURATION_BUCKETS,
    KNOWN_SKIP_REASONS,
    QUEUE_DURATION_BUCKETS,
    RUN_DURATION_BUCKETS,
    ApiStatus,
    Counters,
    ErrorReason,
    Failure,
    Histogram,
    ItemStatus,
    JobStatus,
    JobType,
    JobView,
    ProjectGauges,
    ProjectView,
)
from exporter.exposition import JOB_FAMILIES, Form, ProjectChunks, pieces, render_project

NO_COUNTERS = Counters({}, {}, {}, {}, {}, {}, {}, {})
REFUSED = Failure(ErrorReason.NOT_FOUND, "HTTP 404", "do this", is_refusal=True)


def sparse_job(job_id: str = "job-1") -> JobView:
    """Return a job with as few fields as LlamaCloud may report."""
    return JobView(
        job_id=job_id,
        job_type=JobType.PARSE,
        directory_id="",
        status=JobStatus.PENDING,
        total_items=0,
    )


def full_job(job_id: str = "job-2", directory_id: str = "dir-1") -> JobView:
    """Return a job with a value for every family, also for one that is newer than this list."""
    job = JobView(
        job_id=job_id,
        job_type=JobType.EXTRACT,
        directory_id=directory_id,
        status=JobStatus.RUNNING,
        total_items=1_250_000,
        progress_ratio=0.425,
        processed_items=30,
        failed_items=2,
        skipped_items=1,
        item_failures={"timeout": 1, "other": 1},
        items=dict.fromkeys(ItemStatus, 0)
        | {ItemStatus.COMPLETED: 30, ItemStatus.FAILED: 2, ItemStatus.PROCESSING: 4},
        created_at=1_790_000_000.0,
        started_at=1_790_000_010.25,
        completed_at=1_790_000_900.125,
        last_progress_at=1_790_000_500.0,
        last_refreshed_at=1_790_000_600.0,
        items_last_counted_at=1_790_000_601.0,
    )
    attributes = [family.attribute for family in JOB_FAMILIES if family.attribute]
    others: Any = {name: 7 for name in attributes if getattr(job, name) is None}
    return replace(job, **others)


def full_counters() -> Counters:
    """Return counters with samples in every family."""
    return Counters(
        jobs_finished={
            (JobType.PARSE, JobStatus.FAILED): 1,
            (JobType.PARSE, JobStatus.COMPLETED): 3,
        },
        items_finished={(JobType.PARSE, ItemStatus.FAILED): 12},
        items_failed=dict.fromkeys(FAILURE_REASONS, 0) | {"timeout": 3},
        items_skipped={(JobType.PARSE, reason): 2 for reason in KNOWN_SKIP_REASONS},
        queue_duration={
            JobType.UNKNOWN: Histogram.empty(QUEUE_DURATION_BUCKETS),
            JobType.PARSE: Histogram.empty(QUEUE_DURATION_BUCKETS).observe(2.5).observe(1e9),
        },
        run_duration={
            (JobType.PARSE, JobStatus.FAILED): Histogram.empty(RUN_DURATION_BUCKETS).observe(61)
        },
        turnaround_duration={
            JobType.PARSE: Histogram.empty(RUN_DURATION_BUCKETS).observe(100),
        },
        item_duration={JobType.EXTRACT: Histogram.empty(ITEM_DURATION_BUCKETS).observe(0.75)},
    )


def full_gauges() -> ProjectGauges:
    """Return gauges with samples in every family."""
    return ProjectGauges(
        project_id="id-1",
        organization_id="org-1",
        active_jobs={
            (JobType.PARSE, JobStatus.RUNNING): 2,
            (JobType.EXTRACT, JobStatus.PENDING): 0,
        },
        failing_jobs={JobType.PARSE: 1, JobType.EXTRACT: 0},
        active_items={ItemStatus.PENDING: 7},
    )


def empty_view(project: str = "default", number: int = 1) -> ProjectView:
    """Return the view of a project without jobs or counters."""
    return ProjectView(project=project, number=number, counters=NO_COUNTERS)


def full_view(project: str = "default", number: int = 1) -> ProjectView:
    """Return a view with samples in every family."""
    return replace(
        empty_view(project, number),
        counters=full_counters(),
        gauges=full_gauges(),
        jobs=(sparse_job(), full_job()),
        tracked_jobs=3,
        hidden_jobs=1,
        uncounted_jobs=1,
        listing_truncated=False,
        last_listing_at=1_790_000_600.0,
        counting_since=1_790_000_000.0,
        apis=(
            ApiStatus("v1beta", last_answered_at=1_790_000_600.0),
            ApiStatus("v2", last_answered_at=1_790_000_300.0, set_aside_for=REFUSED),
        ),
    )


def rendered(view: ProjectView) -> ProjectChunks:
    """Render a view for the first time."""
    return render_project(view)


def join(projects: Iterable[ProjectChunks], form: Form) -> bytes:
    """Join the exposition of ``projects``."""
    return b"".join(chunk.lines for chunk in pieces(projects, form))
