"""The jobs of a listing that is read page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import Listing
from exporter.llamacloud.errors import BadResponse
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.domain import Job
    from exporter.llamacloud.pages import Mismatch, Page

_QUOTED_LENGTH = 100


@dataclass(slots=True)
class ListedJobs:
    """The jobs of the pages read so far, each once and as its last row shows it.

    ``began_at`` is the Unix time of the first answer.
    """

    began_at: float = 0.0
    _jobs: dict[str, Job] = field(default_factory=dict)
    _asked_monotonic: float | None = None
    _ended_at: float = 0.0
    _rows_left_out: int = 0
    _of_another_project: Mismatch | None = None

    def add(self, page: Page[Job]) -> set[str]:
        """Add the jobs of a page, in place of earlier rows; return the ids of all its rows."""
        if self._asked_monotonic is None:
            self._asked_monotonic, self.began_at = page.asked_monotonic, page.answered_at
        self._ended_at = max(page.answered_at, self.began_at)
        self._rows_left_out += page.unreadable.rows + len(page.mismatches)
        for mismatch in page.mismatches:
            if mismatch.filter == "project_id":
                self._of_another_project = mismatch
        self._jobs.update((job.id, job) for job in page.rows)
        return {job.id for job in page.rows} | {mismatch.row_id for mismatch in page.mismatches}

    def listing(
        self, *, truncated: bool, reached_end: bool, job_types: Iterable[str] = ()
    ) -> Listing:
        """Return the listing, without jobs of other types if there are ``job_types``.

        Raises:
            BadResponse: no job is left, because rows are of another project.
        """
        other = self._of_another_project
        if other is not None and not self._jobs:
            requested, received = (
                escaped(value)[:_QUOTED_LENGTH] for value in (other.requested, other.received)
            )
            raise BadResponse(
                f"project {requested} was requested, but the listed jobs are of {received}"
            )
        types = {job_type.lower() for job_type in job_types}
        return Listing(
            jobs=tuple(job for job in self._jobs.values() if not types or job.job_type in types),
            asked_monotonic=self._asked_monotonic or 0.0,
            began_at=self.began_at,
            ended_at=self._ended_at,
            truncated=truncated,
            reached_end=reached_end,
            rows_left_out=self._rows_left_out,
        )
