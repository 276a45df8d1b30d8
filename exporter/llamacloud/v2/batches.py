"""From a row of v2 to a job, as far as the row is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import ApiVersion, Job
from exporter.domain.ids import contradicts
from exporter.llamacloud.belief import believed_moment, believed_times, comparable_word
from exporter.llamacloud.fields import LONGEST_TEXT
from exporter.llamacloud.rows import NotAskedFor
from exporter.llamacloud.v2.models import JobConfig
from exporter.llamacloud.v2.vocabulary import COMPLETED, JOB_STATUSES, JOB_TYPES
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.models import BatchRow, FileJobRow

_IDS = ("project_id", "source_directory_id")


def job_of(row: BatchRow, known_values: KnownValues, answered_at: float, *, job_id: str) -> Job:
    """Describe the batch of a row in an answer that was given at ``answered_at``."""
    times = believed_times(answered_at, created=row.created_at, updated=row.updated_at)
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
        is_mapped=_word(row.status) == COMPLETED,
        told_by_items=True,
    )


def contradiction(
    row: BatchRow | FileJobRow, asked_for: Mapping[str, str], created_since: float | None = None
) -> NotAskedFor | None:
    """Return which of the query's filters a row contradicts; what it does not say contradicts none.

    ``asked_for`` are the parameters ``project_id``, ``source_directory_id`` and ``status``, if
    given. ``created_since`` is the Unix time of ``created_at_on_or_after``.
    """
    for name in _IDS:
        asked, came = asked_for.get(name), cut(getattr(row, name, None), LONGEST_TEXT)
        if asked is not None and contradicts(asked, came):
            return NotAskedFor(row.id, name, asked, came or "")
    asked, came = asked_for.get("status"), _word(row.status)
    if asked is not None and came is not None and came != comparable_word(asked):
        return NotAskedFor(row.id, "status", asked, came)
    created_at = believed_moment(row.created_at, float("inf"))
    if created_since is not None and created_at is not None and created_at < created_since:
        return NotAskedFor(row.id, "created_at_on_or_after", str(created_since), str(created_at))
    return None


def _word(status: str | None) -> str | None:
    return None if status is None else comparable_word(status[:LONGEST_TEXT])
