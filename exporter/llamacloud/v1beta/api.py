"""The operations of ``BatchApi`` by the batch-processing API of generation v1beta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from exporter.domain import NotCounted, UncountedReason
from exporter.llamacloud.errors import NotFound
from exporter.llamacloud.refusals import job_missing, job_not_found
from exporter.llamacloud.v1beta.counting import count_items
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from exporter.llamacloud.v1beta.listing import list_jobs
from exporter.llamacloud.v1beta.reader import Reader

if TYPE_CHECKING:
    from exporter.domain import CountLimits, Job, Listing, ListingPlan, Memory
    from exporter.llamacloud.api import CountAnswer, StatusAnswer
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit


@dataclass(frozen=True, slots=True)
class _TooLarge:
    """The memory of a job that was too large to read whole, with its ``total_items`` then."""

    total_items: int | None

    def still_holds_for(self, job: Job) -> bool:
        """Return whether a job is no smaller than it was; an ended job gets more pages anyway."""
        if not job.active:
            return False
        before, after = self.total_items, job.total_items
        if before is None or after is None:
            return before is after
        return after >= before


class V1BetaApi:
    """Reads the batch jobs of one project; ``project`` is its name in the log."""

    endpoints: ClassVar = V1BetaEndpoint

    def __init__(
        self,
        client: Client,
        *,
        project: str | None = None,
        project_id: str | None = None,
        organization_id: str | None = None,
    ) -> None:
        wanted = {"project_id": project_id, "organization_id": organization_id}
        scope = {name: value for name, value in wanted.items() if value}
        self._reader = Reader(client, scope, project=project)

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
            return job_not_found(job.id, error), memory

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[CountAnswer, Memory]:
        """Count the items of one job, exactly or not at all."""
        was_too_large = isinstance(memory, _TooLarge) and memory.still_holds_for(job)
        try:
            answer = await count_items(
                self._reader.using(permit),
                job,
                max_pages=limits.max_requests,
                was_too_large=was_too_large,
            )
        except NotFound as error:
            raise job_missing(error) from error
        if isinstance(answer, NotCounted):
            is_too_large = answer.reason is UncountedReason.TOO_MANY_ITEMS
        else:
            is_too_large = not answer.counts.whole
        return answer, _TooLarge(job.total_items) if is_too_large else None
