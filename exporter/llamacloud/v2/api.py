"""The operations of ``BatchApi`` by the batches API of generation v2."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.domain import JobRefreshed
from exporter.domain.ids import bare_id
from exporter.llamacloud.errors import NotFound
from exporter.llamacloud.refusals import job_missing, job_not_found
from exporter.llamacloud.v2.counting import count_items
from exporter.llamacloud.v2.listing import list_jobs
from exporter.llamacloud.v2.memory import BatchMemory
from exporter.llamacloud.v2.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import CountLimits, Job, Listing, ListingPlan, Memory
    from exporter.llamacloud.api import CountAnswer, StatusAnswer
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit


class V2Api:
    """Reads the batches of one project; ``project`` is its name in the log.

    A batch's memory is changed in place, so that a failed operation keeps what it read.
    """

    def __init__(
        self,
        client: Client,
        *,
        project: str | None = None,
        project_id: str | None = None,
        organization_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        wanted = {"project_id": project_id, "organization_id": organization_id}
        # Queries accept only UUIDs, which LlamaCloud shows with a prefix.
        scope = {name: bare_id(value) for name, value in wanted.items() if value}
        self._reader = Reader(client, scope, project=project, clock=clock)
        self._clock = clock

    async def list_jobs(self, plan: ListingPlan, permit: Permit | None = None) -> Listing:
        """List the batches of the project that the plan selects, each once."""
        return await list_jobs(self._reader.using(permit), plan)

    async def job_status(
        self, job: Job, memory: Memory, permit: Permit | None = None
    ) -> tuple[StatusAnswer, Memory]:
        """Fetch one batch, with its results while they may change."""
        known = memory if isinstance(memory, BatchMemory) else BatchMemory()
        try:
            batch = await self._reader.using(permit).batch(job.id, with_results=known.wants_results)
        except NotFound as error:
            return job_not_found(job.id, error), memory
        known.apply_batch(batch)
        return JobRefreshed(batch.job, None, batch.asked_monotonic, batch.answered_at), known

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[CountAnswer, Memory]:
        """Count the files of one batch, as its last status shows them."""
        known = memory if isinstance(memory, BatchMemory) else BatchMemory()
        try:
            reader = self._reader.using(permit)
            answer = await count_items(reader, job.id, known, limits, now=self._clock())
        except NotFound as error:
            raise job_missing(error) from error
        return answer, known
