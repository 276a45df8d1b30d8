"""Polling with fewer requests than would be needed: on time, in turn, and as cheap as it can be."""

import time
from collections import Counter
from contextlib import AsyncExitStack
from itertools import pairwise
from statistics import median
from uuid import UUID

import pytest

from exporter.llamacloud.budget import RequestBudget
from exporter.simulator import RecordedRequest
from tests.support.clients import budget_of
from tests.support.cloud import KEY, Cloud
from tests.support.polling import eventually, polling

pytestmark = pytest.mark.anyio

# Thirty seconds and twenty requests a minute, a hundred times as fast.
INTERVAL = 0.3
RATE = 20 / 60 * 100


async def used_up(requests_per_second: float) -> RequestBudget:
    """Make a budget whose burst is spent: half a minute's worth is much where time is short."""
    budget = budget_of(requests_per_second, 8, time.monotonic)
    for _ in range(int(requests_per_second * 30)):
        async with budget.request("another", listing=False):
            pass
    return budget


def listed(cloud: Cloud) -> list[RecordedRequest]:
    return [r for r in cloud.simulator.requests if r.endpoint == "list_jobs"]


def arrivals(cloud: Cloud, endpoint: str) -> list[float]:
    return [r.arrived_monotonic for r in cloud.simulator.requests if r.endpoint == endpoint]


def asked(cloud: Cloud, endpoint: str) -> list[str | None]:
    return [r.job_id for r in cloud.simulator.requests if r.endpoint == endpoint]


async def test_two_hundred_jobs_on_twenty_requests_a_minute(cloud: Cloud) -> None:
    """Listings stay on time, and the jobs are refreshed in turn: all of them before any twice."""
    for number in range(200):
        cloud.add_job(f"job-{number:03}")
    budget = await used_up(RATE)
    rules = {"items_enabled": False}
    async with polling(cloud, budget=budget, interval=INTERVAL, rules=rules) as watch:
        await eventually(lambda: cloud.requests()["list_jobs"] >= 2)
        for job in cloud.world.jobs.values():
            job.overrides["failed_items"] = 7
        listings = cloud.requests()["list_jobs"]
        await eventually(lambda: cloud.requests()["list_jobs"] >= listings + 3)
        assert {7} == {job.failed_items for job in watch.view.jobs}
        await eventually(lambda: cloud.requests()["job_status"] >= 210)
        assert all(job.last_refreshed_at for job in watch.view.jobs)
        assert 0 == watch.polls("partial")
        assert 0 < (watch.own("api_budget_wait_seconds_total") or 0)
    # Two requests that are sent one after the other may arrive the other way round.
    assert 200 == len(set(asked(cloud, "job_status")[:208]))
    gaps = [later - earlier for earlier, later in pairwise(arrivals(cloud, "list_jobs"))]
    # The median, so that a machine that is busy for a while does not matter.
    assert INTERVAL * 0.8 < median(gaps) < INTERVAL * 1.5


async def test_of_fifteen_projects_on_one_key_none_starves(cloud: Cloud) -> None:
    """Also beside one with a hundred jobs: each is listed and refreshed in its turn."""
    project_ids = [str(UUID(int=number)) for number in range(1, 16)]
    cloud.world.add_key(KEY, *project_ids)
    for project_id in project_ids:
        cloud.add_job(f"job-of-{project_id}", project_id=project_id)
    for number in range(100):
        cloud.add_job(f"job-{number}", project_id=project_ids[0])
    budget = await used_up(60.0)
    async with AsyncExitStack() as stack:
        for project_id in project_ids:
            watching = polling(cloud, budget=budget, interval=INTERVAL, project_id=project_id)
            await stack.enter_async_context(watching)
        await eventually(
            lambda: set(project_ids) <= {r.params["project_id"] for r in listed(cloud)}
        )
        # From when all take part: a busy machine may start the last one late.
        begin = len(cloud.simulator.requests)
        await eventually(lambda: len(cloud.simulator.requests) >= begin + 360)
    requests = cloud.simulator.requests[begin : begin + 360]
    listings = Counter(r.params["project_id"] for r in requests if r.endpoint == "list_jobs")
    refreshes = Counter(r.job_id for r in requests if r.endpoint == "job_status")
    # Listings are due at whole intervals: where the budget lets one wait for longer, it is every
    # second one. One more or less may fall into the time that is looked at.
    assert min(listings[project_id] for project_id in project_ids) >= max(listings.values()) / 2 - 2
    assert min(refreshes[f"job-of-{project_id}"] for project_id in project_ids[1:]) >= 2
