"""The loop that a user would write with the vendor's SDK, in a process that reports its costs."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from llama_cloud import AsyncLlamaCloud, LlamaCloud

from exporter.llamacloud.pages import MOST_ROWS
from tests.benchmarks.cloud import KEY, BenchmarkCloud
from tests.benchmarks.costs import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator

Style = Literal["sync", "async"]
_ACTIVE = ("pending", "running", "dispatched")
_WARM_UP_JOBS = 10


@dataclass(frozen=True, slots=True)
class JobGauges:
    """The values that a user would publish for a job."""

    progress_percentage: float
    items: Counter[str]


Gauges: TypeAlias = dict[str, JobGauges]


def poll(client: LlamaCloud, *, most_jobs: int | None = None) -> Gauges:
    """Read each active job in turn."""
    listed = client.beta.batch.list(limit=MOST_ROWS)
    active = islice((job.id for job in listed if job.status in _ACTIVE), most_jobs)
    return {job_id: _read_job(client, job_id) for job_id in active}


def _read_job(client: LlamaCloud, job_id: str) -> JobGauges:
    status = client.beta.batch.get_status(job_id)
    items = client.beta.batch.job_items.list(job_id, limit=MOST_ROWS)
    return JobGauges(status.progress_percentage, Counter(item.status for item in items))


async def poll_concurrently(
    client: AsyncLlamaCloud, concurrency: int, *, most_jobs: int | None = None
) -> Gauges:
    """Read ``concurrency`` active jobs at once."""
    listed = client.beta.batch.list(limit=MOST_ROWS)
    active = [job.id async for job in listed if job.status in _ACTIVE][:most_jobs]
    places = asyncio.Semaphore(concurrency)

    async def read_job(job_id: str) -> JobGauges:
        async with places:
            status = await client.beta.batch.get_status(job_id)
            items = client.beta.batch.job_items.list(job_id, limit=MOST_ROWS)
            counts: Counter[str] = Counter([item.status async for item in items])
        return JobGauges(status.progress_percentage, counts)

    return dict(zip(active, await asyncio.gather(*map(read_job, active)), strict=True))


@dataclass(frozen=True, slots=True)
class Loop:
    """The cost of one pass of the loop, and the number of items it counted."""

    cost: Cost
    items: int


def run_sdk_loops(
    cloud: BenchmarkCloud, style: Style, *, concurrency: int, loops: int
) -> list[Loop]:
    """Run the loop a number of times in a new process, after a warm-up with a few jobs."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.sdk_loops",
        cloud.base_url,
        str(cloud.pid),
        style,
    ]
    command += [f"--concurrency={concurrency}", f"--loops={loops}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return [Loop(Cost(**loop["cost"]), loop["items"]) for loop in json.loads(output)]


class _Stopwatch:
    """Measures passes of the loop in this process."""

    def __init__(self, cloud: BenchmarkCloud) -> None:
        self._cloud = cloud
        self.loops: list[Loop] = []

    @contextmanager
    def measuring(self) -> Iterator[list[Gauges]]:
        """Measure a block, and append the result to the yielded list."""
        found: list[Gauges] = []
        requests = self._cloud.requests()
        began, cpu_began = time.perf_counter(), time.process_time()
        yield found
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        cost = Cost(seconds, cpu_seconds, self._cloud.requests() - requests)
        items = sum(job.items.total() for gauges in found for job in gauges.values())
        self.loops.append(Loop(cost, items))


def _measure(stopwatch: _Stopwatch, options: argparse.Namespace) -> None:
    with LlamaCloud(api_key=KEY, base_url=options.base_url) as client:
        poll(client, most_jobs=_WARM_UP_JOBS)
        for _ in range(options.loops):
            with stopwatch.measuring() as found:
                found.append(poll(client))


async def _measure_concurrently(stopwatch: _Stopwatch, options: argparse.Namespace) -> None:
    async with AsyncLlamaCloud(api_key=KEY, base_url=options.base_url) as client:
        await poll_concurrently(client, options.concurrency, most_jobs=_WARM_UP_JOBS)
        for _ in range(options.loops):
            with stopwatch.measuring() as found:
                found.append(await poll_concurrently(client, options.concurrency))


def main() -> None:
    """Run the requested loops, and print their costs as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("cloud_pid", type=int)
    parser.add_argument("style", choices=get_args(Style))
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--loops", type=int, required=True)
    options = parser.parse_args()
    stopwatch = _Stopwatch(BenchmarkCloud(options.base_url, options.cloud_pid))
    if options.style == "sync":
        _measure(stopwatch, options)
    else:
        asyncio.run(_measure_concurrently(stopwatch, options))
    sys.stdout.write(json.dumps([asdict(loop) for loop in stopwatch.loops]) + "\n")


if __name__ == "__main__":
    main()
