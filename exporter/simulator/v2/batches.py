"""Batches, their source files and file jobs: plain values that a test may change at will.

Statuses are in UPPER CASE, times are Unix seconds by the world's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from exporter.simulator.world import DEFAULT_PROJECT_ID

FileJobType = Literal["parse_v2", "extract_v2"]
FILE_JOB_PREFIXES: Final = {"parse_v2": "pjb", "extract_v2": "ext"}
_ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


@dataclass(slots=True)
class SimulatedFileJob:
    """The parse or extract job of one file.

    ``project_id`` and ``created_at`` left out are filled in by ``World.add_file_job``;
    ``updated_at`` left out is the creation. Completed extract jobs are served with their
    ``extract_result``. ``overrides`` replace fields of its JSON, ``OMIT`` removes one.
    """

    id: str
    type: str = "parse_v2"
    status: str = "PENDING"
    project_id: str = ""
    name: str | None = None
    file_input: str = ""
    configuration_id: str | None = None
    created_at: float | None = None
    updated_at: float | None = None
    error_message: str | None = None
    extract_result: Any = None
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class SimulatedFile:
    """One entry of a batch's results.

    ``error_message`` is a mapping error. Without a job and a message it has not been mapped yet, or
    never will be. ``overrides`` replace fields of its JSON.
    """

    id: str
    job: SimulatedFileJob | None = None
    error_message: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class SimulatedBatch:
    """One batch: it has a status of its own, all else follows from its file jobs.

    ``updated_at`` left out is the creation. ``overrides`` replace fields of its JSON, ``OMIT``
    removes one.
    """

    id: str
    job_type: str = "parse_v2"
    status: str = "RUNNING"
    project_id: str = DEFAULT_PROJECT_ID
    files: list[SimulatedFile] = field(default_factory=list)
    source_directory_id: str = "dir-1"
    configuration_id: str = "cfg-PARSE_AGENTIC"
    created_at: float | None = None
    updated_at: float | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


def files_of(
    batch_id: str,
    job_type: FileJobType = "parse_v2",
    *,
    created_at: float | None = None,
    ended_at: float | None = None,
    unmapped: int = 0,
    mapping_errors: int = 0,
    **count_by_status: int,
) -> list[SimulatedFile]:
    """Build files of a batch: ``files_of("bat-1", completed=3, failed=1)`` returns four.

    Those of a status have a job in it, created at ``created_at`` and, if it ended, updated at
    ``ended_at``. ``mapping_errors`` have a message and no job, ``unmapped`` ones neither. A file's
    id begins with ``batch_id``, and so does its job's after the prefix of its type.
    """
    statuses = [name.upper() for name, count in count_by_status.items() for _ in range(count)]
    with_jobs = [
        _file(number, batch_id, job_type, status, created_at=created_at, ended_at=ended_at)
        for number, status in enumerate(statuses, start=1)
    ]
    messages = ["Could not create a job for this file"] * mapping_errors + [None] * unmapped
    return with_jobs + [
        SimulatedFile(id=f"dfl-{batch_id}-{number:05d}", error_message=message)
        for number, message in enumerate(messages, start=len(with_jobs) + 1)
    ]


def _file(
    number: int,
    batch_id: str,
    job_type: FileJobType,
    status: str,
    *,
    created_at: float | None,
    ended_at: float | None,
) -> SimulatedFile:
    file_id = f"dfl-{batch_id}-{number:05d}"
    job = SimulatedFileJob(
        id=f"{FILE_JOB_PREFIXES[job_type]}-{batch_id}-{number:05d}",
        type=job_type,
        status=status,
        name=f"document-{number:05d}.pdf",
        file_input=file_id,
        created_at=created_at,
        updated_at=ended_at if status in _ENDED else None,
        error_message="PDF_IS_BROKEN: the file could not be read" if status == "FAILED" else None,
    )
    return SimulatedFile(id=file_id, job=job)


def extract_result(size_bytes: int) -> dict[str, Any]:
    """Make up the extracted data of a document; the JSON has about this number of bytes."""
    line = {"description": "Conveyor belt, 12 m", "quantity": 3, "unit_price": 1249.5, "tax": None}
    line_bytes = 85
    return {"vendor": "Acme Industrial", "lines": [line] * max(1, size_bytes // line_bytes)}
