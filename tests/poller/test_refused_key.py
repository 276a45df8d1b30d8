"""A key that LlamaCloud refuses: asked with less and less often, until it is replaced."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from asking import KeyInFile, plenty
from cloud import KEY, Cloud
from polling import eventually, polling

from exporter.simulator import Fault

pytestmark = pytest.mark.anyio

INTERVAL = 0.1


async def test_requests_back_off_and_recovery_is_by_itself(cloud: Cloud) -> None:
    """From one interval on, each wait twice the one before."""
    cloud.simulator.faults.add(Fault("status", code=401))
    async with polling(cloud, interval=INTERVAL) as watch:
        await eventually(lambda: watch.polls("error") >= 5)
        assert 0 == watch.own("project_authenticated")
        cloud.simulator.faults.clear()
        await eventually(lambda: watch.polls("success") >= 3)
        assert 1 == watch.own("project_authenticated")
    moments = [request.arrived_monotonic for request in cloud.simulator.requests]
    waits = [later - earlier for earlier, later in pairwise(moments)]
    # Each in its order, however busy the machine is: a wait may be late, never early.
    for wait, intervals in zip(waits[:4], (1, 2, 4, 8), strict=True):
        assert wait >= intervals * INTERVAL
    assert min(waits[5:7]) < 3 * INTERVAL


async def test_a_key_that_is_replaced_is_picked_up_while_it_backs_off(cloud: Cloud) -> None:
    """Within an interval, not when the wait is over; and once for all."""
    access = KeyInFile("llx-revoked", "llx-revoked", plenty())
    async with polling(cloud, interval=INTERVAL, access=access) as watch:
        await eventually(lambda: watch.polls("error") >= 6)
        replaced = time.monotonic()
        access.in_file = KEY
        await eventually(lambda: watch.polls("success") >= 1)
        # The wait that it is in lasts 32 intervals.
        assert time.monotonic() - replaced < 16 * INTERVAL


async def test_a_key_that_is_refused_for_single_jobs_is_not_tried_on_all_of_them(
    cloud: Cloud,
) -> None:
    """The next listing tells more; others of the poll would tell the same."""
    for number in range(30):
        cloud.add_job(f"job-{number}")
    cloud.simulator.faults.add(Fault("status", code=401, endpoint="job_status"))
    async with polling(cloud, interval=0.3, concurrency=4) as watch:
        await eventually(lambda: watch.polls("partial") >= 3)
        assert 3 <= (watch.own("poll_errors_total", reason="unauthorized") or 0)
    requests = cloud.requests()
    assert requests["job_status"] <= 4 * requests["list_jobs"]


@pytest.mark.parametrize("noticed_by", ["waiting", "a refusal"])
async def test_another_key_that_is_refused_is_tried_again_soon(
    cloud: Cloud, noticed_by: str
) -> None:
    """It was not refused for long: LlamaCloud may just not know it yet."""
    cloud.simulator.faults.add(Fault("status", code=401, seconds=0.2))
    access = KeyInFile("llx-revoked", "llx-revoked", plenty())
    asked = cloud.simulator.requests
    async with polling(cloud, interval=INTERVAL, access=access) as watch:
        await eventually(lambda: watch.polls("error") >= 5)
        if noticed_by == "a refusal":
            refused = len(asked)
            await eventually(lambda: len(asked) > refused)
        before = len(asked)
        access.in_file = KEY
        await eventually(lambda: len(asked) >= before + 3)
    moments = [request.arrived_monotonic for request in asked[before : before + 3]]
    # The old key's next wait would be one of 32 intervals.
    assert moments[-1] - moments[0] < 32 * INTERVAL


async def test_a_key_is_replaced_without_a_refusal(cloud: Cloud) -> None:
    """The old one may still be good for a while."""
    cloud.world.add_key("llx-old", cloud.world.keys[KEY])
    access = KeyInFile("llx-old", "llx-old", plenty())
    async with polling(cloud, interval=INTERVAL, access=access) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        access.in_file = KEY
        await eventually(lambda: access.api_key == KEY)
        del cloud.world.keys["llx-old"]
        polls = watch.polls("success")
        await eventually(lambda: watch.polls("success") >= polls + 2)
        assert 0 == watch.polls("error")
