"""Answers with a wrong Date: no failure is lost, and published times stay true."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import pytest

from exporter.domain import ItemStatus, JobType
from exporter.llamacloud.clock import UpstreamClock
from exporter.simulator import Fault, items_of
from tests.support.polling import Watch, eventually, polling

if TYPE_CHECKING:
    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

YEARS_AHEAD_SECONDS = 73 * 365.0 * 86_400
IN_2099 = {"date": "Thu, 01 Jan 2099 00:00:00 GMT"}


async def another_poll(watch: Watch) -> None:
    """Wait until a poll that began later has ended well."""
    polls = watch.polls("success")
    await eventually(lambda: watch.polls("success") >= polls + 2)


async def a_short_job_is_counted(cloud: Cloud, watch: Watch) -> None:
    """Begin and end a job between two listings, with two failed items."""
    failed = JobType.PARSE, ItemStatus.FAILED
    before = watch.view.counters.items_finished[failed]
    now = cloud.world.clock()
    cloud.add_job(
        f"short-{now}",
        status="completed",
        created_at=now,
        started_at=now,
        completed_at=now,
        items=items_of(f"short-{now}", completed=1, failed=2),
    )
    await eventually(lambda: watch.view.counters.items_finished[failed] >= before + 2)
    assert before + 2 == watch.view.counters.items_finished[failed]


async def test_a_first_listing_with_a_wrong_date_loses_nothing(cloud: Cloud) -> None:
    """It is requested once more, and the baseline is right."""
    cloud.simulator.faults.add(Fault("headers", headers=IN_2099, times=1))
    async with polling(cloud, interval=0.1) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        requests = [request.endpoint for request in cloud.simulator.requests]
        await a_short_job_is_counted(cloud, watch)
        assert 0 == watch.polls("error")
    assert ["list_jobs", "list_jobs"] == requests[:2]


async def test_a_first_listing_whose_date_is_right_is_requested_once(cloud: Cloud) -> None:
    """Its requests are the known ones: a listing, and two for each active job."""
    cloud.add_job()
    async with polling(cloud, interval=60.0) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
    assert {"list_jobs": 1, "job_status": 1, "list_items": 1} == cloud.requests()


@pytest.mark.parametrize("endpoint", ["list_jobs", "job_status", "list_items"])
async def test_later_answers_with_a_wrong_date_change_nothing(
    cloud: Cloud, endpoint: Literal["list_jobs", "job_status", "list_items"]
) -> None:
    """No failure is lost, and a stuck job is not hidden for years."""
    job = cloud.add_job()
    async with polling(cloud, interval=0.1) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        cloud.simulator.faults.add(Fault("headers", endpoint=endpoint, headers=IN_2099))
        # So that the answer shows progress.
        job.items[-1].status = "failed"
        await another_poll(watch)
        assert 2 == (watch.job().items or {})[ItemStatus.FAILED]
        cloud.simulator.faults.clear()
        await a_short_job_is_counted(cloud, watch)
        view = watch.view
        shown = watch.job()
    now = time.time()
    times = (shown.last_progress_at, shown.last_refreshed_at, view.last_listing_at)
    assert all(moment is not None and abs(now - moment) < 60 for moment in times)


@pytest.mark.parametrize("jump", [-YEARS_AHEAD_SECONDS / 2, YEARS_AHEAD_SECONDS])
async def test_a_clock_that_jumps_for_good_is_followed(cloud: Cloud, jump: float) -> None:
    """By all that is published, and nothing is lost then either."""
    cloud.add_job()
    upstream_clock = UpstreamClock(followed_after_seconds=0.2)
    async with polling(cloud, interval=0.05, upstream_clock=upstream_clock) as watch:
        await another_poll(watch)
        cloud.world.clock = lambda: time.time() + jump
        await eventually(lambda: abs((watch.view.last_listing_at or 0) - time.time() - jump) < 60)
        await another_poll(watch)
        if jump > 0:
            await a_short_job_is_counted(cloud, watch)
