"""From a row of v1beta to a job, as far as the row is believed, and the words of v1beta."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from exporter.domain import ItemStatus, Job, JobStatus, JobType
from exporter.llamacloud.belief import believed_times
from exporter.llamacloud.fields import LONGEST_TEXT
from exporter.llamacloud.known_values import Vocabulary
from exporter.texts import cut

if TYPE_CHECKING:
    from enum import StrEnum

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v1beta.models import JobRow

Word = TypeVar("Word", bound="StrEnum")


# Words of ours, or of another generation: in v1beta they would mean something else.
_NOT_OF_V1BETA = frozenset({"unknown", str(JobStatus.GONE), str(JobStatus.THROTTLED)})


def _vocabulary(kind: str, words: type[Word]) -> Vocabulary[Word]:
    meanings = {str(word): word for word in words if word not in _NOT_OF_V1BETA}
    return Vocabulary(kind, meanings, words("unknown"))


JOB_TYPES = _vocabulary("job type", JobType)
JOB_STATUSES = _vocabulary("job status", JobStatus)
ITEM_STATUSES = _vocabulary("item status", ItemStatus)


def job_of(row: JobRow, known_values: KnownValues, answered_at: float) -> Job:
    """Describe the job of a row in an answer that was given at ``answered_at``."""
    times = believed_times(
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
