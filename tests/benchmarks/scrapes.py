"""The latency and rate of scrapes, beside prometheus_client's own server."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tests.benchmarks.load import Measured, back_to_back, headers, paced, require_wrk
from tests.benchmarks.peers.serving import running_peer
from tests.benchmarks.polled import running_polled_exporter
from tests.benchmarks.report import Result, machine, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.polled import PolledExporter

PEERS = {
    "labelled_gauges": "prometheus_client, labelled gauges",
    "custom_collector": "prometheus_client, custom collector",
}
PEER_OF_GOAL = "labelled_gauges"
ENCODINGS = ("plain", "gzip")
GOALS_FROM_JOBS = 10_000
LEAST_TIMES_THE_SCRAPES = 50.0
BUDGETED = "budgeted poll"
UNLIMITED = "unlimited poll"
MOST_P99_MS = {BUDGETED: 10.0, UNLIMITED: 25.0}
# The interval of a budget of 15 requests a minute.
BUDGETED_SECONDS_APART = 4.0
_PACED_PER_SECOND = 20.0
_IDLE_SECONDS_APART = 3600.0
# Requests under way are answered and published by then.
_SETTLED_AFTER_SECONDS = 2.0
_SCRAPE_WITHIN_SECONDS = 60.0
_LEAST_SCRAPES = 3


@dataclass(frozen=True, slots=True)
class Size:
    """The amount to measure.

    Back to back it lasts ``seconds``, or longer if few scrapes end in that time; at a pace, twice
    that.
    """

    jobs: int
    seconds: int
    encodings: Sequence[str]
    budgeted_seconds_apart: float

    @property
    def has_goals(self) -> bool:
        """Whether the goals apply to this number of jobs."""
        return self.jobs >= GOALS_FROM_JOBS


def results(
    *,
    jobs: int,
    seconds: int = 8,
    encodings: Sequence[str] = ENCODINGS,
    budgeted_seconds_apart: float = BUDGETED_SECONDS_APART,
) -> Iterator[Result]:
    """Measure scrapes of a number of jobs, during polls and idle, beside peers.

    LlamaCloud's latency sets the rate of polls, so that one exporter serves all measurements.
    """
    require_wrk()
    size = Size(jobs, seconds, encodings, budgeted_seconds_apart)
    with running_polled_exporter(jobs) as polled:
        yield from _in_poll(UNLIMITED, polled, size)
        polled.cloud.answer_every(size.budgeted_seconds_apart)
        time.sleep(_SETTLED_AFTER_SECONDS)
        yield from _in_poll(BUDGETED, polled, size)
        polled.cloud.answer_every(_IDLE_SECONDS_APART)
        time.sleep(_SETTLED_AFTER_SECONDS)
        yield from _idle(polled, size)


def _in_poll(poll: str, polled: PolledExporter, size: Size) -> Iterator[Result]:
    refreshes, began = polled.refreshes(), time.monotonic()
    for encoding in size.encodings:
        gzip = encoding == "gzip"
        measured = back_to_back(polled.url, gzip=gzip, seconds=size.seconds)
        yield from _latencies(f"{poll}, {encoding}", measured)
        yield Result(f"{poll}, {encoding}: throughput", "scrapes/s", measured.per_second)
    measured = paced(polled.url, gzip=True, seconds=2 * size.seconds, per_second=_PACED_PER_SECOND)
    goal = MOST_P99_MS[poll] if size.has_goals else None
    yield from _latencies(f"{poll}, gzip, {_PACED_PER_SECOND:g} scrapes/s", measured, goal)
    per_second = (polled.refreshes() - refreshes) / (time.monotonic() - began)
    assert per_second > 0, "nothing was refreshed while scrapes were measured"
    yield Result(f"{poll}: answers about jobs meanwhile", "answers/s", per_second)


def _latencies(what: str, measured: Measured, most_p99_ms: float | None = None) -> Iterator[Result]:
    yield Result(f"{what}: p50", "ms", measured.p50_ms)
    yield Result(
        f"{what}: p99",
        "ms",
        measured.p99_ms,
        goal="" if most_p99_ms is None else f"< {most_p99_ms:g} ms",
        reached=None if most_p99_ms is None else measured.p99_ms < most_p99_ms,
    )
    yield Result(f"{what}: longest", "ms", measured.longest_ms)


def _idle(polled: PolledExporter, size: Size) -> Iterator[Result]:
    refreshes, samples = polled.refreshes(), _number_of_samples(polled.url)
    ours = {
        encoding: back_to_back(polled.url, gzip=encoding == "gzip", seconds=size.seconds)
        for encoding in size.encodings
    }
    assert polled.refreshes() == refreshes, "something was refreshed while the exporter was idle"
    yield Result("samples of a scrape", "", samples)
    for module, peer in PEERS.items():
        with running_peer(module, polled.url) as url:
            began = time.monotonic()
            assert _number_of_samples(url) == samples, f"{peer} serves other samples"
            enough_seconds = math.ceil(_LEAST_SCRAPES * (time.monotonic() - began))
            seconds = max(size.seconds, enough_seconds)
            for encoding in size.encodings:
                theirs = back_to_back(url, gzip=encoding == "gzip", seconds=seconds)
                yield from _beside(
                    f"idle, {encoding}",
                    ours[encoding],
                    peer,
                    theirs,
                    with_goal=module == PEER_OF_GOAL and encoding == "gzip" and size.has_goals,
                )


def _beside(
    what: str, ours: Measured, peer: str, theirs: Measured, *, with_goal: bool
) -> Iterator[Result]:
    yield Result(f"{what}: p50", "ms", ours.p50_ms, peer, theirs.p50_ms)
    yield Result(f"{what}: p99", "ms", ours.p99_ms, peer, theirs.p99_ms)
    yield Result(
        f"{what}: throughput",
        "scrapes/s",
        ours.per_second,
        peer,
        theirs.per_second,
        goal=f">= {LEAST_TIMES_THE_SCRAPES:g} times theirs" if with_goal else "",
        reached=(
            ours.per_second >= LEAST_TIMES_THE_SCRAPES * theirs.per_second if with_goal else None
        ),
    )


def _number_of_samples(url: str) -> int:
    answer = httpx.get(url, headers=headers(gzip=True), timeout=_SCRAPE_WITHIN_SECONDS)
    return sum(not line.startswith("#") for line in answer.raise_for_status().text.splitlines())


if __name__ == "__main__":
    for number_of_jobs in (1_000, 10_000):
        print_table(
            f"Scrapes of {number_of_jobs:,} jobs ({machine()})", results(jobs=number_of_jobs)
        )
