"""The life of a demo batch, known in advance: its state at any moment follows from its plan.

Times are Unix seconds; the time of an event that does not happen is ``NEVER``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.simulator.v2.batches import (
    SimulatedBatch,
    SimulatedFile,
    SimulatedFileJob,
    extract_result,
)

# Shared by all completed extract jobs, so that a demo stays small.
_RESULT: Final = extract_result(2_000)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """When one file is mapped to a job, or to an error, and when that job starts and ends."""

    file_id: str
    job_id: str
    name: str
    outcome: str
    mapped_at: float
    started_at: float
    ended_at: float
    waits_as: str = "PENDING"
    error_message: str | None = None
    mapping_error: str | None = None


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """When one batch is created, throttled, started and mapped, and how that ends.

    At ``mapped_at`` the batch itself ends; its file jobs continue until ``ended_at``.
    """

    id: str
    project_id: str
    source_directory_id: str
    configuration_id: str
    job_type: str
    outcome: str
    created_at: float
    throttled_at: float
    started_at: float
    mapped_at: float
    ended_at: float
    files: tuple[FilePlan, ...]


def batch_at(plan: BatchPlan, now: float) -> SimulatedBatch:
    """Return the batch, its files and their jobs as they are at one moment of its life."""
    moments = (plan.created_at, plan.throttled_at, plan.started_at, plan.mapped_at)
    return SimulatedBatch(
        id=plan.id,
        job_type=plan.job_type,
        status=_status_at(plan, now),
        project_id=plan.project_id,
        files=[_file_at(file, plan, now) for file in plan.files],
        source_directory_id=plan.source_directory_id,
        configuration_id=plan.configuration_id,
        created_at=plan.created_at,
        updated_at=max(moment for moment in moments if moment <= now),
    )


def _status_at(plan: BatchPlan, now: float) -> str:
    if now >= plan.mapped_at:
        return plan.outcome
    if now >= plan.started_at:
        return "RUNNING"
    return "THROTTLED" if now >= plan.throttled_at else "PENDING"


def _file_at(file: FilePlan, plan: BatchPlan, now: float) -> SimulatedFile:
    if file.mapped_at > now:
        return SimulatedFile(id=file.file_id)
    if file.mapping_error is not None:
        return SimulatedFile(id=file.file_id, error_message=file.mapping_error)
    return SimulatedFile(id=file.file_id, job=_job_at(file, plan, now))


def _job_at(file: FilePlan, plan: BatchPlan, now: float) -> SimulatedFileJob:
    ended, started = file.ended_at <= now, file.started_at <= now
    is_extract = plan.job_type == "extract_v2"
    return SimulatedFileJob(
        id=file.job_id,
        type=plan.job_type,
        status=file.outcome if ended else "RUNNING" if started else file.waits_as,
        project_id=plan.project_id,
        name=file.name,
        file_input=file.file_id,
        configuration_id=plan.configuration_id,
        created_at=file.mapped_at,
        updated_at=max(
            moment for moment in (file.mapped_at, file.started_at, file.ended_at) if moment <= now
        ),
        error_message=file.error_message if ended else None,
        extract_result=_RESULT if is_extract else None,
    )
