"""Batches and file jobs as LlamaCloud's JSON: every documented field, named as in its OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.simulator.rows import overridden, rfc3339

if TYPE_CHECKING:
    from exporter.simulator.v2.batches import SimulatedBatch, SimulatedFile, SimulatedFileJob
    from exporter.simulator.v2.style import V2Style


def batch_row(batch: SimulatedBatch, style: V2Style, *, expanded: bool = False) -> dict[str, Any]:
    """Render one batch; its results are null unless requested, and shown in its status."""
    shown = expanded and batch.status in style.results_in
    row = {
        "id": batch.id,
        "created_at": rfc3339(batch.created_at),
        "updated_at": rfc3339(_updated_at(batch)),
        "project_id": style.project_id_prefix + batch.project_id,
        "source_directory_id": batch.source_directory_id,
        "config": {"job": {"type": batch.job_type, "configuration_id": batch.configuration_id}},
        "status": _status(batch.status, style),
        "results": [_result(file) for file in list(batch.files)] if shown else None,
    }
    return overridden(row, batch.overrides)


def parse_job_row(job: SimulatedFileJob, style: V2Style) -> dict[str, Any]:
    """Render one parse job as its listing shows it."""
    row = _file_job(job, style) | {
        "name": job.name,
        "tier": "agentic",
        "user_metadata": None,
        "usage": None,
    }
    return overridden(row, job.overrides)


def extract_job_row(job: SimulatedFileJob, style: V2Style) -> dict[str, Any]:
    """Render one extract job as its listing shows it, a completed one with its whole result."""
    row = _file_job(job, style) | {
        "file_input": job.file_input,
        "configuration_id": job.configuration_id,
        "configuration": None,
        "extract_result": job.extract_result if job.status == "COMPLETED" else None,
        "extract_metadata": None,
        "metadata": None,
        "usage": None,
    }
    return overridden(row, job.overrides)


def _file_job(job: SimulatedFileJob, style: V2Style) -> dict[str, Any]:
    return {
        "id": job.id,
        "project_id": style.project_id_prefix + job.project_id,
        "status": _status(job.status, style),
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(_updated_at(job)),
        "error_message": job.error_message,
    }


def _result(file: SimulatedFile) -> dict[str, Any]:
    reference = None if file.job is None else {"type": file.job.type, "id": file.job.id}
    row = {
        "source_directory_file_id": file.id,
        "job_reference": reference,
        "error_message": file.error_message,
    }
    return overridden(row, file.overrides)


def _updated_at(source: SimulatedBatch | SimulatedFileJob) -> float | None:
    return source.created_at if source.updated_at is None else source.updated_at


def _status(status: str, style: V2Style) -> str:
    return status.lower() if style.lower_case_statuses else status
