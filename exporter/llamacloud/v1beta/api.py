"""The three operations of the seam, by the batch-processing API of generation v1beta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.domain import ItemsCounted, JobNotFound
from exporter.llamacloud.errors import BadResponse, JobMissing, NotFound
from exporter.llamacloud.v1beta.counting import count_items
from exporter.llamacloud.v1beta.listing import list_jobs
from exporter.llamacloud.v1beta.reader import Reader

if TYPE_CHECKING:
    from exporter.domain import CountLimits, Job, Listing, ListingPlan, Memory
    from exporter.llamacloud.api import CountAnswer, StatusAnswer
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit

API_VERSION = "v1beta"


@dataclass(frozen=True, slots=True)
class _LastCount:
    """A job's memory: how its last count went, and its ``total_items`` at that time."""

    total: int
    whole: bool
    total_items: int | None

    def is_comparable_with(self, job: Job) -> bool:
        """Tell whether a count of ``job`` may be compared with the last one.

        That is so while ``total_items`` is what it was; for a job that was too large to be read
        whole, also where it grew.
        """
        if not job.active:
            return False
        before, after = self.total_items, job.total_items
        if before is None or after is None:
            return before is after
        return after == before or (after > before and not self.whole)


class V1BetaApi:
    """Reads the batch jobs that one key sees in one project."""

    def __init__(
        self, client: Client, *, project_id: str | None = None, organization_id: str | None = None
    ) -> None:
        wanted = {"project_id": project_id, "organization_id": organization_id}
        scope = {name: value for name, value in wanted.items() if value}
        self._reader = Reader(client, scope)

    async def list_jobs(self, plan: ListingPlan, permit: Permit | None = None) -> Listing:
        """List the jobs of the project, each once."""
        return await list_jobs(self._reader.using(permit), plan)

    async def job_status(
        self, job: Job, memory: Memory, permit: Permit | None = None
    ) -> tuple[StatusAnswer, Memory]:
        """Fetch the status of one job."""
        try:
            return await self._reader.using(permit).job_status(job.id), memory
        except NotFound as error:
            missing = _missing(error)
            answered_at, asked_monotonic = error.answered_at, error.asked_monotonic
        return JobNotFound(job.id, asked_monotonic, answered_at, missing.failure()), memory

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[CountAnswer, Memory]:
        """Count the items of one job, exactly or not at all."""
        last = memory if isinstance(memory, _LastCount) else None
        comparable = last if last and last.is_comparable_with(job) else None
        try:
            answer = await count_items(
                self._reader.using(permit), job, max_pages=limits.max_requests, before=comparable
            )
        except NotFound as error:
            raise _missing(error) from error
        if isinstance(answer, ItemsCounted):
            return answer, _LastCount(answer.counts.total, answer.counts.whole, job.total_items)
        return answer, None


def _missing(error: NotFound) -> JobMissing:
    """Return what a 404 means for a single job.

    Raises:
        BadResponse: the 404 is that of a gateway, which knows nothing of jobs.
    """
    if not error.from_api:
        raise BadResponse(str(error)) from error
    return JobMissing(error)
