"""Jobs, as v1beta sends them: pages, rows and statuses.

Rows follow the server's OpenAPI description, but only ids are required. Statuses and types are
plain strings, so that an unknown new value does not fail decoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from exporter.domain import Job, JobStatus, JobType
from exporter.llamacloud.fields import (
    LONGEST_TEXT,
    Count,
    Id,
    document_of,
    field_of,
    is_usable_id,
    number,
    row_of,
)
from exporter.llamacloud.json_bounds import check_number_of_values
from exporter.llamacloud.known_values import Vocabulary
from exporter.llamacloud.left_out import Unreadable
from exporter.llamacloud.pages import read_at_once, read_page
from exporter.llamacloud.times import plausible_times
from exporter.texts import cut

if TYPE_CHECKING:
    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.pages import Page

JOB_TYPES = Vocabulary(
    "job type",
    {str(job_type): job_type for job_type in JobType if job_type is not JobType.UNKNOWN},
    JobType.UNKNOWN,
)
# Words of the exporter or of v2 could mean something else in v1beta.
_NOT_OF_V1BETA = {JobStatus.UNKNOWN, JobStatus.GONE, JobStatus.THROTTLED}
JOB_STATUSES = Vocabulary(
    "job status",
    {str(status): status for status in JobStatus if status not in _NOT_OF_V1BETA},
    JobStatus.UNKNOWN,
)


# gc=False: rows cannot form cycles, and the garbage collector would visit a thousand of them.
class JobRow(Struct, frozen=True, gc=False, kw_only=True):
    """The fields that the exporter uses of a job, in the list and in a status answer."""

    id: Id
    job_type: str | None = None
    status: str | None = None
    project_id: str | None = None
    directory_id: str | None = None
    error_message: str | None = None
    total_items: Count | None = None
    processed_items: Count | None = None
    failed_items: Count | None = None
    skipped_items: Count | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None


def job_of(row: JobRow, known_values: KnownValues, answered_at: float) -> Job:
    """Return the job of a row, in an answer of the Unix time ``answered_at``."""
    times = plausible_times(
        answered_at,
        created=row.created_at,
        started=row.started_at,
        completed=row.completed_at,
        updated=row.updated_at,
    )
    return Job(
        id=row.id,
        job_type=known_values.read(JOB_TYPES, row.job_type),
        status=known_values.read(JOB_STATUSES, row.status),
        project_id=cut(row.project_id, LONGEST_TEXT),
        total_items=row.total_items,
        processed_items=row.processed_items,
        failed_items=row.failed_items,
        skipped_items=row.skipped_items,
        directory_id=cut(row.directory_id, LONGEST_TEXT),
        created_at=times.created_at,
        started_at=times.started_at,
        completed_at=times.completed_at,
        updated_at=times.updated_at,
        error_message=cut(row.error_message, LONGEST_TEXT),
    )


class _JobPage(Struct, frozen=True, kw_only=True):
    items: list[JobRow]
    next_page_token: str | None = None
    total_size: Count | None = None


class _StatusAnswer(Struct, frozen=True, kw_only=True):
    job: JobRow
    progress_percentage: float | None = None


_JOB_PAGE = msgspec.json.Decoder(_JobPage)
_STATUS_ANSWER = msgspec.json.Decoder(_StatusAnswer)
_job_row = partial(row_of, JobRow, "id")


def read_jobs(body: bytes) -> Page[JobRow]:
    """Read a page of the list of jobs, as ``read_page`` does."""
    return read_page(body, _JOB_PAGE, _job_row, has_total=True)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A status answer; ``job`` is ``None`` if it cannot be read, progress runs from 0 to 100."""

    job: JobRow | None
    progress_percentage: float | None
    unreadable: Unreadable


def read_status(body: bytes) -> StatusRow:
    """Read the answer of the status endpoint.

    Raises:
        BadResponse: it is no JSON object.
    """
    check_number_of_values(body)
    answer = read_at_once(_STATUS_ANSWER, body)
    if answer is not None and is_usable_id(answer.job.id):
        return StatusRow(answer.job, answer.progress_percentage, Unreadable())
    document, unreadable = document_of(body), Unreadable()
    job = _job_row(document.get("job"), unreadable)
    return StatusRow(job, field_of(document, "progress_percentage", number, unreadable), unreadable)
