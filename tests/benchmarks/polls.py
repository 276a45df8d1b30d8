"""One interval's poll beside the loop that a user would write with the vendor's SDK."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.cloud import running_benchmark_cloud
from tests.benchmarks.costs import Cost, median_of
from tests.benchmarks.exporter_polls import PollDidNotFitError, run_exporter_polls
from tests.benchmarks.report import Result, machine, print_table
from tests.benchmarks.sdk_loops import run_sdk_loops

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.cloud import BenchmarkCloud
    from tests.benchmarks.sdk_loops import Style

TITLE = "Polls: one interval of active jobs, beside a loop with the vendor's SDK"
_CONCURRENCY = 8
_MOST_TIMES_LATENCY = 1.3
_MOST_OF_SDK_CPU = 0.5
# Enough for a poll on an idle machine; on a busy one, intervals are doubled.
_LEAST_POLLS_AN_INTERVAL = 3


@dataclass(frozen=True, slots=True)
class Size:
    """The number of active jobs, and the number of polls or loops to measure on each side."""

    active_jobs: int
    polls: int
    sync_loops: int
    async_loops: int


SIZES = (
    Size(10, polls=9, sync_loops=5, async_loops=9),
    Size(100, polls=5, sync_loops=1, async_loops=3),
    # A synchronous loop takes minutes.
    Size(1000, polls=2, sync_loops=1, async_loops=1),
)


def results(
    sizes: Sequence[Size] = SIZES, *, items: int = 900, latency_seconds: float = 0.05
) -> Iterator[Result]:
    """Measure polls with ``items`` in each job, where each answer takes ``latency_seconds``."""
    for size in sizes:
        with running_benchmark_cloud(
            active=size.active_jobs, items=items, latency_seconds=latency_seconds
        ) as cloud:
            least_seconds = _least_seconds(size.active_jobs, latency_seconds)
            # It comes first, so that the peers get answers that were rendered before.
            ours = _exporter(cloud, size, items, least_seconds)
            asynchronous = _sdk(cloud, size, items, "async")
            synchronous = _sdk(cloud, size, items, "sync")
        yield from _compared(size.active_jobs, ours, synchronous, asynchronous, least_seconds)


def _least_seconds(active_jobs: int, latency_seconds: float) -> float:
    """Return the latency of a listing and two requests for each job, without any other time."""
    return (1 + math.ceil(2 * active_jobs / _CONCURRENCY)) * latency_seconds


def _exporter(cloud: BenchmarkCloud, size: Size, items: int, least_seconds: float) -> Cost:
    interval_seconds = math.ceil(1 + _LEAST_POLLS_AN_INTERVAL * least_seconds)
    while True:
        try:
            polls = run_exporter_polls(
                cloud,
                interval_seconds=interval_seconds,
                concurrency=_CONCURRENCY,
                polls=size.polls,
            )
        except PollDidNotFitError:
            interval_seconds *= 2
        else:
            _check_items(polls.items, size, items)
            return median_of(polls.costs)


def _sdk(cloud: BenchmarkCloud, size: Size, items: int, style: Style) -> Cost:
    number = size.sync_loops if style == "sync" else size.async_loops
    loops = run_sdk_loops(cloud, style, concurrency=_CONCURRENCY, loops=number)
    for loop in loops:
        _check_items(loop.items, size, items)
    return median_of([loop.cost for loop in loops])


def _check_items(counted: int, size: Size, items: int) -> None:
    if counted != size.active_jobs * items:
        raise RuntimeError(f"counted {counted} items of {size.active_jobs} jobs of {items}")


def _compared(
    active_jobs: int, ours: Cost, synchronous: Cost, asynchronous: Cost, least_seconds: float
) -> Iterator[Result]:
    jobs = f"{active_jobs:,} jobs"
    most_seconds = _MOST_TIMES_LATENCY * least_seconds
    most_cpu_seconds = _MOST_OF_SDK_CPU * min(synchronous.cpu_seconds, asynchronous.cpu_seconds)
    for peer, theirs in (("SDK, async", asynchronous), ("SDK, sync", synchronous)):
        yield Result(
            what=f"time, {jobs}",
            unit="s",
            ours=ours.seconds,
            peer=peer,
            theirs=theirs.seconds,
            goal=f"{_MOST_TIMES_LATENCY} x {least_seconds:.3g} s = {most_seconds:.3g} s at most",
            reached=ours.seconds <= most_seconds,
        )
        yield Result(
            what=f"CPU time, {jobs}",
            unit="s",
            ours=ours.cpu_seconds,
            peer=peer,
            theirs=theirs.cpu_seconds,
            goal=f"{_MOST_OF_SDK_CPU:.0%} of the cheaper, {most_cpu_seconds:.3g} s at most",
            reached=ours.cpu_seconds <= most_cpu_seconds,
        )
        yield Result(f"requests, {jobs}", "", ours.requests, peer, theirs.requests)


if __name__ == "__main__":
    for size_to_measure in SIZES:
        print_table(f"{TITLE} ({machine()})", results([size_to_measure]))
