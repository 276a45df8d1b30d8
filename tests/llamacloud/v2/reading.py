"""Requests to the v2 API in the order of the core: a batch's status, then its count."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.domain import (
    CountLimits,
    ItemsCounted,
    Job,
    JobRefreshed,
    JobStatus,
    JobType,
    Listing,
    ListingPlan,
    NotCounted,
    NothingToCount,
)
from exporter.llamacloud.v2.api import V2Api
from tests.support.clients import Observer, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.domain import Memory
    from tests.llamacloud.v2.batches_server import BatchesServer

CountAnswer = ItemsCounted | NothingToCount | NotCounted
LIMITS = CountLimits(max_requests=10)


def known_job(job_id: str = "bat-1") -> Job:
    """Describe what the core knows of a batch."""
    return Job(job_id, JobType.PARSE, JobStatus.RUNNING, api_version="v2")


@dataclass
class Reading:
    """One project's API and the memory of one batch; ``now`` is its monotonic moment."""

    api: V2Api
    memory: Memory = None
    now: float = 1000.0

    async def status(self, job_id: str = "bat-1") -> Job:
        """Fetch the batch."""
        answer, self.memory = await self.api.job_status(known_job(job_id), self.memory)
        assert isinstance(answer, JobRefreshed)
        return answer.job

    async def count(self, job_id: str = "bat-1", limits: CountLimits = LIMITS) -> CountAnswer:
        """Count the files."""
        answer, self.memory = await self.api.count_items(known_job(job_id), self.memory, limits)
        return answer

    async def refresh(self, job_id: str = "bat-1", limits: CountLimits = LIMITS) -> CountAnswer:
        """Fetch the batch, and count its files."""
        await self.status(job_id)
        return await self.count(job_id, limits)

    async def counted(self, job_id: str = "bat-1") -> ItemsCounted:
        """Refresh a batch that can be counted."""
        answer = await self.refresh(job_id)
        assert isinstance(answer, ItemsCounted)
        return answer

    async def listing(self, **plan: Any) -> Listing:
        """List batches."""
        return await self.api.list_jobs(ListingPlan(**({"max_requests": 100} | plan)))


@asynccontextmanager
async def reading(
    server: BatchesServer, observer: Observer | None = None, **options: Any
) -> AsyncIterator[Reading]:
    """Open the API of one project."""
    async with client_of(server, observer, **options.pop("client", {})) as client:
        opened = Reading(V2Api(client, clock=lambda: opened.now, **options))
        yield opened


def items(answer: CountAnswer) -> dict[str, int]:
    """Return the numbers of items that are not 0."""
    assert isinstance(answer, ItemsCounted)
    return {str(status): number for status, number in answer.counts.by_status.items() if number}
