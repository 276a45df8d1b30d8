"""Status reports of projects, for tests of the pages and of the JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exporter.domain import (
    ApiStatus,
    ErrorReason,
    FailedItem,
    Failure,
    JobStatus,
    JobType,
    JobView,
    ProjectStatus,
    StatusChange,
)
from exporter.pages import ProjectReport
from tests.support.views import full_job, sparse_job

NOW = 1_790_000_700.0
SECRET = "llx-secret-that-must-not-leak"


def failure(reason: str = "forbidden", detail: str = "HTTP 403", **more: Any) -> Failure:
    """Return a failure with a reason."""
    return Failure(ErrorReason(reason), detail, "look at the project's members", **more)


def empty_status(project: str = "invoices", **more: Any) -> ProjectStatus:
    """Return the status of a project that was not listed yet."""
    facts: dict[str, Any] = {
        "listing_was_tried": False,
        "listing_failure": None,
        "is_stale": True,
        "is_truncated": False,
        "last_listing_at": None,
        "active_jobs": 0,
        "jobs_waiting_for_refresh": 0,
        "interval": 30.0,
        "stale_after": 300.0,
        "apis": (ApiStatus("v1beta"), ApiStatus("v2")),
    }
    return ProjectStatus(project=project, **(facts | more))


def listed_status(project: str = "invoices", *jobs: JobView, **more: Any) -> ProjectStatus:
    """Return the status of a project that was listed, with these jobs."""
    facts: dict[str, Any] = {
        "listing_was_tried": True,
        "is_stale": False,
        "is_authenticated": True,
        "last_listing_at": NOW - 10,
        "active_jobs": sum(job.active for job in jobs),
        "failing_jobs": sum(job.is_failing for job in jobs),
        "uncounted_jobs": 0,
        "apis": (ApiStatus("v1beta", NOW - 10, has_answered=True),),
        "jobs": jobs,
    }
    return empty_status(project, **(facts | more))


def report(status: ProjectStatus, **more: Any) -> ProjectReport:
    """Return the report of a status."""
    facts: dict[str, Any] = {"budget_limit": 0.25, "budget": 0.125, "requests_in_last_minute": 7}
    return ProjectReport(status, **(facts | more))


def running_job(job_id: str = "job-1", **more: Any) -> JobView:
    """Return a running job, half of it done in a hundred seconds."""
    facts: dict[str, Any] = {
        "status": JobStatus.RUNNING,
        "progress_ratio": 0.5,
        "total_items": 10,
        "processed_items": 5,
        "created_at": NOW - 200,
        "started_at": NOW - 150,
        "last_progress_at": NOW - 50,
        "last_refreshed_at": NOW - 20,
    }
    return JobView(job_id, JobType.PARSE, "", **(facts | more))


def full_report(project: str = "default", text: str = "Müller.pdf") -> ProjectReport:
    """Return the report of a project with every field set and every fault.

    ``text`` is used for every text that comes from outside.
    """
    job = replace(full_job("job-2", text), configuration_id=text, completed_at=NOW + 9)
    ended = JobView("job-3", JobType.PARSE, "", JobStatus.FAILED, completed_at=NOW - 100)
    status = listed_status(
        project,
        job,
        ended,
        sparse_job(),
        project_id=text,
        organization_id=text,
        is_authenticated=False,
        is_stale=True,
        is_truncated=True,
        listing_failure=failure("unauthorized", f"HTTP 401: {text} {SECRET}"),
        hidden_jobs=1,
        jobs_waiting_for_refresh=2,
        apis=(
            ApiStatus("v1beta", NOW - 600, has_answered=True),
            ApiStatus("v2", None, set_aside_for=failure("not_found", text, is_refusal=True)),
        ),
        status_changes={
            "job-2": (
                StatusChange(JobStatus.PENDING, NOW - 100),
                StatusChange(JobStatus.RUNNING, NOW - 50, f"{text} {SECRET}"),
            ),
            "job-3": (StatusChange(JobStatus.FAILED, None, text),),
        },
        failed_items={
            "job-2": (
                FailedItem("item-1", text, f"TIMEOUT: {text} {SECRET}", "timeout"),
                FailedItem("item-2", None, None),
            )
        },
    )
    return report(status)
