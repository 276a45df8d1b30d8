"""The CPU time of the largest requests of both generations, measured in the client's process."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING

from exporter.domain import CountLimits, ItemsCounted, JobRefreshed, ListingPlan
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v2.api import V2Api
from tests.benchmarks.cloud import KEY, running_benchmark_cloud
from tests.benchmarks.report import Result
from tests.support.clients import client_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from exporter.domain import Job
    from exporter.llamacloud.api import BatchApi, CountAnswer
    from tests.benchmarks.cloud import BenchmarkCloud

TITLE = "Requests: a page of file jobs by v2, beside a page of items by v1beta"
_MOST_MILLISECONDS = 4.0
_WARM_UPS = 5
_EVERYTHING = ListingPlan(10, is_full=True)
_LIMITS = CountLimits(max_requests=10)


def results(*, file_jobs: int = 100, items: int = 900, repetitions: int = 100) -> Iterator[Result]:
    """Measure milliseconds of CPU time in turn, so that disturbances affect both alike."""
    with running_benchmark_cloud(active=1, items=items, file_jobs=file_jobs) as cloud:
        ours, theirs = asyncio.run(_milliseconds(cloud, file_jobs, items, repetitions))
    yield Result(
        what=f"CPU time, a request of {file_jobs:,} file jobs",
        unit="ms",
        ours=ours,
        peer=f"a request of {items:,} items",
        theirs=theirs,
        goal=f"{_MOST_MILLISECONDS:g} ms at most",
        reached=ours <= _MOST_MILLISECONDS,
    )


async def _milliseconds(
    cloud: BenchmarkCloud, file_jobs: int, items: int, repetitions: int
) -> tuple[float, float]:
    async with client_of(cloud, api_key=KEY) as client:
        v1beta, v2 = V1BetaApi(client), V2Api(client)
        job, batch = await _only_job(v1beta), await _only_job(v2)
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(_WARM_UPS + repetitions):
            status, memory = await v2.job_status(batch, None)
            assert isinstance(status, JobRefreshed)
            seconds[0].append(await _counting(v2.count_items(batch, memory, _LIMITS), file_jobs))
            seconds[1].append(await _counting(v1beta.count_items(job, None, _LIMITS), items))
    ours, theirs = (1000 * median(measured[_WARM_UPS:]) for measured in seconds)
    return ours, theirs


async def _only_job(api: BatchApi) -> Job:
    (job,) = (await api.list_jobs(_EVERYTHING)).jobs
    return job


async def _counting(count: Awaitable[tuple[CountAnswer, object]], number: int) -> float:
    began = time.process_time()
    answer, _ = await count
    seconds = time.process_time() - began
    if not isinstance(answer, ItemsCounted) or answer.counts.total != number:
        raise RuntimeError(f"not {number} were counted: {answer}")
    return seconds
