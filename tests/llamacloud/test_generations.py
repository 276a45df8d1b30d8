"""Every generation of the API: the endpoints that it declares."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from exporter.app.polled_project import ENDPOINTS_OF, GENERATIONS
from exporter.domain import ApiVersion, ListingPlan
from exporter.simulator.endpoints import PATHS, version_of
from tests.support.clients import budget_of, client_of

if TYPE_CHECKING:
    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

PLAN = ListingPlan(max_requests=10, is_full=True)


def test_every_generation_can_be_read() -> None:
    """By endpoints that LlamaCloud has."""
    assert [*ApiVersion] == [*GENERATIONS]
    for api_version, endpoints in ENDPOINTS_OF.items():
        assert {name for name in PATHS if version_of(name) == api_version} == set(endpoints)


@pytest.mark.parametrize("api_version", GENERATIONS)
async def test_only_listings_do_not_wait_for_requests_about_single_jobs(
    cloud: Cloud, api_version: str
) -> None:
    """A request about a single job takes the one place that the budget has for them."""
    budget = budget_of(10_000.0, 1, time.monotonic)
    async with (
        client_of(cloud, budget=budget) as client,
        budget.request("another project", listing=False),
        asyncio.timeout(5),
    ):
        await GENERATIONS[api_version](client).list_jobs(PLAN)
    listings = {name for name in GENERATIONS[api_version].endpoints if name.is_listing}
    assert listings == set(cloud.requests())
