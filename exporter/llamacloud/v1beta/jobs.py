"""Jobs from the rows of v1beta, and its statuses and types."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from exporter.domain import ItemStatus, Job, JobStatus, JobType
from exporter.llamacloud.fields import LONGEST_TEXT
from exporter.llamacloud.known_values import Vocabulary
from exporter.llamacloud.times import plausible_times
from exporter.texts import cut

if TYPE_CHECKING:
    from enum import StrEnum

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v1beta.models import JobRow

Word = TypeVar("Word", bound="StrEnum")


# Words of the exporter or of v2, which could mean something else in v1beta.
_NOT_OF_V1BETA = frozenset({"unknown", str(JobStatus.GONE), str(JobStatus.THROTTLED)})


def _vocabulary(kind: str, words: type[Word]) -> Vocabulary[Word]:
    meanings = {str(word): word for word in words if word not in _NOT_OF_V1BETA}
    return Vocabulary(kind, meanings, words("unknown"))


JOB_TYPES = _vocabulary("job type", JobType)
JOB_STATUSES = _vocabulary("job status", JobStatus)
ITEM_STATUSES = _vocabulary("item status", ItemStatus)


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
