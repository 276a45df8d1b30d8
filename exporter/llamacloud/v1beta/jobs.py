"""From a row of v1beta to a job, as far as the row is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import Job
from exporter.domain.ids import contradicts
from exporter.llamacloud.belief import believed_times, comparable_word
from exporter.llamacloud.fields import LONGEST_TEXT
from exporter.llamacloud.rows import NotAskedFor
from exporter.llamacloud.v1beta.vocabulary import JOB_STATUSES, JOB_TYPES
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v1beta.models import JobRow


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


def contradiction(row: JobRow, asked_for: Mapping[str, str]) -> NotAskedFor | None:
    """Return which of the query's filters a row contradicts; what it does not say contradicts none.

    ``asked_for`` are the parameters ``project_id``, ``directory_id`` and ``job_type``, if given.
    """
    for name, sent in (("project_id", row.project_id), ("directory_id", row.directory_id)):
        asked, came = asked_for.get(name), cut(sent, LONGEST_TEXT)
        if asked is not None and came is not None and contradicts(asked, came):
            return NotAskedFor(row.id, name, asked, came)
    asked, came = asked_for.get("job_type"), cut(row.job_type, LONGEST_TEXT)
    if asked is not None and came is not None and comparable_word(came) != comparable_word(asked):
        return NotAskedFor(row.id, "job_type", asked, came)
    return None
