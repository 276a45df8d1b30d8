"""Jobs, results and file jobs from the rows of v2, and its statuses and types."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from exporter.domain import (
    NOT_MAPPED_FAILURE_REASON,
    ApiVersion,
    ItemStatus,
    Job,
    JobStatus,
    JobType,
)
from exporter.llamacloud.failure_reasons import failure_reason
from exporter.llamacloud.fields import LONGEST_TEXT
from exporter.llamacloud.known_values import Vocabulary
from exporter.llamacloud.pages import Mismatch, mismatch_of
from exporter.llamacloud.times import plausible_time, plausible_times
from exporter.llamacloud.v2.batch_files import BatchEntry
from exporter.llamacloud.v2.endpoints import V2Endpoint
from exporter.llamacloud.v2.models import JobConfig
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.models import BatchRow, FileJobRow, ResultRow

_CREATED_SINCE = "created_at_on_or_after"
_COMPLETED = "completed"
# Separates a file's id, which has no control characters, from a number.
_AGAIN = "\n"

JOB_TYPES = Vocabulary(
    "job type", {"parse_v2": JobType.PARSE, "extract_v2": JobType.EXTRACT}, JobType.UNKNOWN
)
# LlamaCloud calls a batch completed once each of its files has a job or an error. The jobs may
# still run, so the batch is dispatched until all of them have ended.
JOB_STATUSES = Vocabulary(
    "job status",
    {
        "pending": JobStatus.PENDING,
        "throttled": JobStatus.THROTTLED,
        "running": JobStatus.RUNNING,
        _COMPLETED: JobStatus.DISPATCHED,
        "failed": JobStatus.FAILED,
        "cancelled": JobStatus.CANCELLED,
    },
    JobStatus.UNKNOWN,
)
ITEM_STATUSES = Vocabulary(
    "item status",
    {
        "pending": ItemStatus.PENDING,
        "throttled": ItemStatus.PENDING,
        "running": ItemStatus.PROCESSING,
        "completed": ItemStatus.COMPLETED,
        "failed": ItemStatus.FAILED,
        "cancelled": ItemStatus.CANCELLED,
    },
    ItemStatus.UNKNOWN,
)
# The lists of file jobs by their type. File jobs of other types are in no list.
FILE_JOB_LISTS: Vocabulary[V2Endpoint | None] = Vocabulary(
    "job reference type",
    {"parse_v2": V2Endpoint.LIST_PARSE_JOBS, "extract_v2": V2Endpoint.LIST_EXTRACT_JOBS},
    None,
)


def job_of(row: BatchRow, known_values: KnownValues, answered_at: float, *, job_id: str) -> Job:
    """Return the batch of a row, in an answer of the Unix time ``answered_at``."""
    times = plausible_times(answered_at, created=row.created_at, updated=row.updated_at)
    config = (row.config and row.config.job) or JobConfig()
    return Job(
        id=job_id,
        job_type=known_values.read(JOB_TYPES, config.type),
        status=known_values.read(JOB_STATUSES, row.status),
        project_id=cut(row.project_id, LONGEST_TEXT),
        directory_id=cut(row.source_directory_id, LONGEST_TEXT),
        created_at=times.created_at,
        updated_at=times.updated_at,
        api_version=ApiVersion.V2,
        configuration_id=cut(config.configuration_id, LONGEST_TEXT),
        is_mapped=(row.status or "").lower() == _COMPLETED,
        told_by_items=True,
    )


def batch_mismatch(row: BatchRow, requested: Mapping[str, str]) -> Mismatch | None:
    """Return what ``mismatch_of`` does, or the mismatch of a batch created too early."""
    mismatch, since = mismatch_of(row, requested), requested.get(_CREATED_SINCE)
    if mismatch is not None or since is None:
        return mismatch
    created_at = plausible_time(row.created_at, float("inf"))
    if created_at is None or created_at >= datetime.fromisoformat(since).timestamp():
        return None
    return Mismatch(row.id, _CREATED_SINCE, since, str(created_at))


class Result(NamedTuple):
    """A new entry from the results of a batch; ``message`` is why it has no file job."""

    entry: BatchEntry
    message: str | None


def results_of(rows: Sequence[ResultRow], known_values: KnownValues) -> dict[str, Result]:
    """Return results by the ids of their files; further rows of a file have longer keys.

    A row with neither a file job nor a message is ignored if the file has another row.
    """
    by_file: dict[str, list[ResultRow]] = defaultdict(list)
    for row in rows:
        by_file[row.source_directory_file_id].append(row)
    results = {}
    for file_id, of_file in by_file.items():
        informative = [row for row in of_file if row.job_reference or row.error_message]
        if len(informative) > 1:
            # Rows have no documented order: sorted, they have the same keys each time.
            informative = sorted(set(informative), key=repr)
        for number, row in enumerate(informative or of_file[:1]):
            key = f"{file_id}{_AGAIN}{number}" if number else file_id
            results[key] = Result(_entry_of(row, known_values), row.error_message)
    return results


def _entry_of(row: ResultRow, known_values: KnownValues) -> BatchEntry:
    file_id, reference = row.source_directory_file_id, row.job_reference
    if reference is not None:
        # Without an id, or a list of its type, the status of the job is unknown.
        is_known = reference.id is not None
        endpoint = known_values.read(FILE_JOB_LISTS, reference.type) if is_known else None
        return BatchEntry(
            file_id=file_id,
            has_reference=True,
            endpoint=endpoint,
            file_job_id=reference.id,
            status=ItemStatus.UNKNOWN if endpoint is None else ItemStatus.PENDING,
        )
    if row.error_message:
        reason = NOT_MAPPED_FAILURE_REASON
        return BatchEntry(file_id=file_id, status=ItemStatus.FAILED, failure_reason=reason)
    return BatchEntry(file_id=file_id)


@dataclass(frozen=True, slots=True)
class FileJob:
    """The parse or extract job of one file; times are Unix times.

    ``has_new_status`` is true where LlamaCloud gave a status that is newer than this exporter.
    """

    id: str
    status: ItemStatus
    has_new_status: bool
    failure_reason: str | None
    name: str | None
    error_message: str | None
    created_at: float | None
    updated_at: float | None


def file_job_of(row: FileJobRow, known_values: KnownValues, answered_at: float) -> FileJob:
    """Return the file job of a row, in an answer of the Unix time ``answered_at``."""
    times = plausible_times(answered_at, created=row.created_at, updated=row.updated_at)
    status = known_values.read(ITEM_STATUSES, row.status)
    return FileJob(
        id=row.id,
        status=status,
        has_new_status=status is ItemStatus.UNKNOWN and row.status is not None,
        failure_reason=failure_reason(row.error_message) if status is ItemStatus.FAILED else None,
        name=cut(getattr(row, "name", None), LONGEST_TEXT),
        error_message=cut(row.error_message, LONGEST_TEXT),
        created_at=times.created_at,
        updated_at=times.updated_at,
    )
