"""The exporter's footprint: start time, memory, idle CPU use, and disk space.

It runs in an environment with the packages of ``requirements.lock`` only. Its peers are a minimal
exporter of prometheus_client, which does nothing, and a minimal one with the vendor's SDK, which
only lists jobs. They show how much of the footprint is due to Python and libraries.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.cloud import running_benchmark_cloud
from tests.benchmarks.contenders import Contender, contenders, script
from tests.benchmarks.costs import cpu_seconds_of
from tests.benchmarks.report import Result, machine, print_table
from tests.benchmarks.usage import Memory, memory_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.servers import Server

_MEBIBYTE = 1024 * 1024
_SECONDS_BETWEEN_IDLE_SCRAPES = 15.0
_FEW_JOBS = 5
_SHORT_INTERVAL_SECONDS = 0.05
_GROWTH_THAT_IS_NONE = 1.02
_IDLE_GOAL, _MANY_JOBS_GOAL = 64, 160
_TEXT, _OPENMETRICS = "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"
_FORMS = tuple(product((_TEXT, _OPENMETRICS), ("gzip", "identity")))
_ONE_A_COUNTED_JOB = b"\nllamacloud_batch_job_items_last_counted_timestamp_seconds{"
_UNLIMITED = "--api.requests-per-minute=100000"


@dataclass(frozen=True, slots=True)
class Size:
    """The amount to measure."""

    starts: int = 9
    settling_seconds: float = 5.0
    idle_seconds: float = 60.0
    jobs: int = 10_000
    scrapes: int = 20
    seconds_between_scrapes: float = 1.0
    warm_up_polls: int = 100
    polls: int = 1_000


def results(size: Size) -> Iterator[Result]:
    """Measure everything in turn."""
    with contenders() as (ours, peers):
        yield from _installed(ours, peers)
        yield from _starts(ours, peers, size)
        yield from _idle(ours, peers, size)
        yield from _many_jobs(ours, size)
        yield from _many_polls(ours, size)


def _installed(ours: Contender, peers: list[Contender]) -> Iterator[Result]:
    size = ours.environment.installed_bytes() / _MEBIBYTE
    for peer in peers:
        theirs = peer.environment.installed_bytes() / _MEBIBYTE
        yield Result("site-packages, without pip", "MiB", size, peer.name, theirs)


def _starts(ours: Contender, peers: list[Contender], size: Size) -> Iterator[Result]:
    """Start each in turn, so that all of them find the machine in the same state."""
    seconds: dict[str, list[float]] = {each.name: [] for each in (ours, *peers)}
    with running_benchmark_cloud(active=_FEW_JOBS) as cloud:
        for _ in range(size.starts):
            for each in (ours, *peers):
                with each.running(cloud) as server:
                    seconds[each.name].append(server.start_seconds)
    took = median(seconds[ours.name])
    for peer in peers:
        what, theirs = f"start to first scrape, median of {size.starts}", median(seconds[peer.name])
        yield Result(what, "s", took, peer.name, theirs, "under 1 s", reached=took < 1)


def _idle(ours: Contender, peers: list[Contender], size: Size) -> Iterator[Result]:
    """Run all of them at once, with occasional scrapes and with jobs that have ended."""
    with ExitStack() as stack:
        cloud = stack.enter_context(running_benchmark_cloud(active=0, ended=_FEW_JOBS))
        servers = [stack.enter_context(each.running(cloud)) for each in (ours, *peers)]
        time.sleep(size.settling_seconds)
        before = [cpu_seconds_of(server.pid) for server in servers]
        _scrape_every_so_often(servers, size.idle_seconds)
        after = [cpu_seconds_of(server.pid) for server in servers]
        memories = [memory_of(server.pid) for server in servers]
    spent = (late - early for early, late in zip(before, after, strict=True))
    percents = [100 * each / size.idle_seconds for each in spent]
    for peer, percent in zip(peers, percents[1:], strict=True):
        yield Result("CPU idle, one project", "% of a core", percents[0], peer.name, percent)
    for peer, theirs in zip(peers, memories[1:], strict=True):
        yield from _memory_results("idle, one project", memories[0], _IDLE_GOAL, peer.name, theirs)


def _many_jobs(ours: Contender, size: Size) -> Iterator[Result]:
    """Scrape while jobs are refreshed, so that the published data changes all the time."""
    jobs, scrapes = size.jobs, size.scrapes
    flags = (f"--jobs.max-per-project={jobs}", "--poll.interval=10m", _UNLIMITED)
    with running_benchmark_cloud(active=jobs) as cloud, ours.running(cloud, *flags) as server:
        # A job has all its series once its status was fetched and its items were counted.
        while cloud.requests() < 2 * jobs:
            time.sleep(0.2)
        time.sleep(size.settling_seconds)
        filled = memory_of(server.pid)
        while server.scrape().count(_ONE_A_COUNTED_JOB) < jobs:
            time.sleep(1)
        for number in range(scrapes):
            accept, encoding = _FORMS[number % len(_FORMS)]
            server.scrape(accept=accept, accept_encoding=encoding)
            time.sleep(size.seconds_between_scrapes)
        memory = memory_of(server.pid)
    yield Result(f"resident, {jobs:,} jobs, not scraped yet", "MiB", filled.resident)
    what = f"{jobs:,} jobs, {scrapes} scrapes"
    yield from _memory_results(what, memory, _MANY_JOBS_GOAL)
    yield Result(f"peak resident, {what}", "MiB", memory.peak)


def _many_polls(ours: Contender, size: Size) -> Iterator[Result]:
    warm_up, all_polls = size.warm_up_polls, size.warm_up_polls + size.polls
    with (
        running_benchmark_cloud(active=_FEW_JOBS, ended=_FEW_JOBS) as cloud,
        ours.running(
            cloud, str(_SHORT_INTERVAL_SECONDS), _UNLIMITED, program=script("many_polls")
        ) as server,
    ):
        early, late = _memory_after(server, (warm_up, all_polls))
    yield Result(
        f"resident after {all_polls:,} polls",
        "MiB",
        late.resident,
        f"itself after {warm_up:,} polls",
        early.resident,
        "no growth",
        reached=late.resident <= _GROWTH_THAT_IS_NONE * early.resident,
    )


def _memory_after(server: Server, numbers_of_polls: tuple[int, ...]) -> Iterator[Memory]:
    for polls in numbers_of_polls:
        while _polls(server.scrape()) < polls:
            time.sleep(0.2)
        yield memory_of(server.pid)


def _polls(exposition: bytes) -> float:
    """Read the number of polls so far."""
    lines = exposition.decode().splitlines()
    samples = (line for line in lines if line.startswith("llamacloud_exporter_polls_total{"))
    return sum(float(sample.rpartition(" ")[2]) for sample in samples)


def _scrape_every_so_often(servers: list[Server], seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for server in servers:
            server.scrape(accept=_OPENMETRICS, accept_encoding="gzip")
        time.sleep(max(min(left, _SECONDS_BETWEEN_IDLE_SCRAPES), 0))


def _memory_results(
    when: str, memory: Memory, goal: int, peer: str = "", theirs: Memory | None = None
) -> Iterator[Result]:
    resident, anonymous = (theirs.resident, theirs.anonymous) if theirs else (None, None)
    goal_words, reached = f"under {goal} MiB", memory.resident < goal
    yield Result(
        f"resident, {when}", "MiB", memory.resident, peer, resident, goal_words, reached=reached
    )
    yield Result(f"anonymous, {when}", "MiB", memory.anonymous, peer, anonymous)


if __name__ == "__main__":
    print_table(f"Footprint ({machine()})", results(Size()))
