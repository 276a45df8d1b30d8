"""Sends a listing to every generation, and a refresh to the one that listed the job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.core.actions import CountItems, FetchStatus
from exporter.core.observations import Failed, Refreshed
from exporter.llamacloud.errors import LlamaCloudError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.core.actions import RefreshJob
    from exporter.domain import Failure, Listing, ListingPlan
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.permit import Permit


async def list_by_each(
    apis: Mapping[str, BatchApi], plans: Mapping[str, ListingPlan], permit: Permit | None
) -> dict[str, Listing | Failure]:
    """List a project through each generation that has a plan, concurrently.

    The ``permit`` is for the first request of the first generation; the others wait for their own.
    """
    permits = dict.fromkeys(tuple(plans)[:1], permit)
    async with asyncio.TaskGroup() as tasks:
        listings = {
            api_version: tasks.create_task(_list(apis[api_version], plan, permits.get(api_version)))
            for api_version, plan in plans.items()
        }
    return {api_version: listing.result() for api_version, listing in listings.items()}


async def refresh_by(
    apis: Mapping[str, BatchApi], action: RefreshJob, permit: Permit
) -> Refreshed | Failed:
    """Carry out one step of a job's refresh through the generation that listed it."""
    api = apis[action.job.api_version]
    try:
        match action:
            case FetchStatus(job, memory):
                return Refreshed(action, *await api.job_status(job, memory, permit))
            case CountItems(job, memory, limits):
                return Refreshed(action, *await api.count_items(job, memory, limits, permit))
    except LlamaCloudError as error:
        return Failed(action, error.failure())


async def _list(api: BatchApi, plan: ListingPlan, permit: Permit | None) -> Listing | Failure:
    try:
        return await api.list_jobs(plan, permit)
    except LlamaCloudError as error:
        return error.failure()
