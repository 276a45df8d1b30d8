"""Jobs and items as LlamaCloud's JSON: every documented field, named as in its OpenAPI."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exporter.simulator.world import OMIT

if TYPE_CHECKING:
    from exporter.simulator.world import SimulatedItem, SimulatedJob

_PROCESSED = ("completed", "failed", "skipped")


def job_row(job: SimulatedJob) -> dict[str, Any]:
    """Render one job as a listing and a status answer show it."""
    counts = Counter(item.status for item in job.items)
    updated_at = _updated_at(job)
    row = {
        "id": job.id,
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(updated_at),
        "job_type": job.job_type,
        "project_id": job.project_id,
        "directory_id": job.directory_id,
        "workflow_id": f"workflow-{job.id}",
        "status": job.status,
        "effective_at": rfc3339(updated_at),
        "job_record_id": f"record-{job.id}",
        "error_message": job.error_message,
        "total_items": counts.total(),
        "processed_items": sum(counts[status] for status in _PROCESSED),
        "failed_items": counts["failed"],
        "skipped_items": counts["skipped"],
        "started_at": rfc3339(job.started_at),
        "completed_at": rfc3339(job.completed_at),
    }
    return overridden(row, job.overrides)


def status_answer(job: SimulatedJob) -> dict[str, Any]:
    """Render the answer to a request for one job's status."""
    row = overridden(job_row(job), job.status_overrides)
    progress = job.progress_percentage
    if progress is None:
        progress = _progress_percentage(job)
    return {"job": row, "progress_percentage": progress}


def item_row(job: SimulatedJob, item: SimulatedItem) -> dict[str, Any]:
    """Render one item of ``job``."""
    begun = item.started_at is not None
    row = {
        "item_id": item.item_id,
        "item_name": item.item_name,
        "status": item.status,
        "effective_at": rfc3339(item.completed_at or item.started_at or job.created_at),
        "job_record_id": f"record-{item.item_id}" if begun else None,
        "job_id": f"{job.job_type}-{item.item_id}" if begun else None,
        "error_message": item.error_message,
        "skip_reason": item.skip_reason,
        "started_at": rfc3339(item.started_at),
        "completed_at": rfc3339(item.completed_at),
    }
    # Unlike all others, this field must not be null: without a time it is left out.
    if row["effective_at"] is None:
        del row["effective_at"]
    return overridden(row, item.overrides)


def overridden(row: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Replace fields of a row by ``overrides``; ``OMIT`` removes a field."""
    return {name: value for name, value in {**row, **overrides}.items() if value is not OMIT}


def _updated_at(job: SimulatedJob) -> float | None:
    if job.updated_at is not None:
        return job.updated_at
    known = (at for at in (job.completed_at, job.started_at, job.created_at) if at is not None)
    return max(known, default=None)


def _progress_percentage(job: SimulatedJob) -> float:
    if not job.items:
        return 100.0 if job.status == "completed" else 0.0
    processed = sum(1 for item in job.items if item.status in _PROCESSED)
    return round(100.0 * processed / len(job.items), 2)


def rfc3339(seconds: float | None) -> str | None:
    """Write a time as LlamaCloud does."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
