"""The interface to LlamaCloud: the operations that each generation of its API supports.

How a generation pages, filters, models its rows and counts items is its own business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

if TYPE_CHECKING:
    from exporter.domain import (
        CountLimits,
        ItemsCounted,
        Job,
        JobNotFound,
        JobRefreshed,
        Listing,
        ListingPlan,
        Memory,
        NotCounted,
        NothingToCount,
    )
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Endpoint

    StatusAnswer: TypeAlias = JobRefreshed | JobNotFound
    CountAnswer: TypeAlias = ItemsCounted | NothingToCount | NotCounted


class BatchApi(Protocol):
    """Reads the batch jobs of one project through one generation of the API.

    A job's ``memory`` is what the last operation on that job returned, ``None`` before the first.
    It may be changed in place, so no two jobs may share one. Each operation raises a
    ``LlamaCloudError`` if it fails, and sends its first request by ``permit`` if there is one.
    """

    async def list_jobs(self, plan: ListingPlan, permit: Permit | None = None) -> Listing:
        """List the jobs of the project, each once."""

    async def job_status(
        self, job: Job, memory: Memory, permit: Permit | None = None
    ) -> tuple[StatusAnswer, Memory]:
        """Fetch the status of one job, and return the job's next memory with it."""

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[CountAnswer, Memory]:
        """Count the items of one job, and return the job's next memory with the counts."""


class Generation(BatchApi, Protocol):
    """A generation of the API: the class of its ``BatchApi``, with the ``endpoints`` that it uses.

    ``project`` is the project's name in the log.
    """

    endpoints: ClassVar[type[Endpoint]]

    def __init__(
        self,
        client: Client,
        *,
        project: str | None = None,
        project_id: str | None = None,
        organization_id: str | None = None,
    ) -> None: ...
