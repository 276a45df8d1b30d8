"""The costs of the polls of a running exporter, measured in consecutive intervals."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.benchmarks.cloud import KEY
from tests.benchmarks.costs import Cost, cpu_seconds_of
from tests.support import exporter_process as process

if TYPE_CHECKING:
    from tests.benchmarks.cloud import BenchmarkCloud

_REQUESTS_PER_MINUTE = 100_000
# An interval is measured this close to its end, when its poll has ended and is published.
_MEASURED_AT = 0.9
_CHECKS_FOR_THE_FIRST = 20
_INTERVALS_FOR_THE_FIRST = 4


class PollDidNotFitError(Exception):
    """The interval is too short for a poll on this machine."""


@dataclass(frozen=True, slots=True)
class Polls:
    """The costs of whole intervals, and the number of items counted at the end."""

    costs: list[Cost]
    items: int


def run_exporter_polls(
    cloud: BenchmarkCloud, *, interval_seconds: int, concurrency: int, polls: int
) -> Polls:
    """Run an exporter, and measure a number of intervals after its first poll.

    CPU time is that of the whole interval: its poll, publication and one scrape.

    Raises:
        PollDidNotFitError: a poll had not ended when its interval was nearly over.
    """
    with process.running(
        f"--poll.interval={interval_seconds}s",
        f"--api.concurrency={concurrency}",
        f"--api.requests-per-minute={_REQUESTS_PER_MINUTE}",
        # The generation that the loops with the vendor's SDK read.
        "--api.versions=v1beta",
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
    ) as exporter:
        first_began = _wait_for_first_poll(exporter, interval_seconds)
        readings = (
            _read_at(first_began + (number + _MEASURED_AT) * interval_seconds, exporter, cloud)
            for number in range(polls + 1)
        )
        costs = [after.since(before) for before, after in pairwise(readings)]
        return Polls(costs, round(_sum_of("batch_active_items", exporter.get()[1])))


@dataclass(frozen=True, slots=True)
class _Reading:
    polls: float
    poll_seconds: float
    cpu_seconds: float
    requests: int

    @classmethod
    def of(cls, exporter: process.Exporter, cloud: BenchmarkCloud) -> _Reading:
        exposition = exporter.get()[1]
        return cls(
            polls=_sum_of("exporter_poll_duration_seconds_count", exposition),
            poll_seconds=_sum_of("exporter_poll_duration_seconds_sum", exposition),
            cpu_seconds=cpu_seconds_of(exporter.process.pid),
            requests=cloud.requests(),
        )

    def since(self, before: _Reading) -> Cost:
        if self.polls != before.polls + 1:
            raise PollDidNotFitError
        return Cost(
            seconds=self.poll_seconds - before.poll_seconds,
            cpu_seconds=self.cpu_seconds - before.cpu_seconds,
            requests=self.requests - before.requests,
        )


def _read_at(moment: float, exporter: process.Exporter, cloud: BenchmarkCloud) -> _Reading:
    time.sleep(max(moment - time.monotonic(), 0.0))
    return _Reading.of(exporter, cloud)


def _wait_for_first_poll(exporter: process.Exporter, interval_seconds: float) -> float:
    """Wait until the first poll has ended, and return the monotonic moment at which it began."""
    for _ in range(_CHECKS_FOR_THE_FIRST * _INTERVALS_FOR_THE_FIRST):
        time.sleep(interval_seconds / _CHECKS_FOR_THE_FIRST)
        exposition = exporter.get()[1]
        if _sum_of("exporter_poll_duration_seconds_count", exposition):
            took = _sum_of("exporter_poll_duration_seconds_sum", exposition)
            return time.monotonic() - took
    raise RuntimeError("the first poll does not end")


def _sum_of(metric: str, exposition: str) -> float:
    """Sum the samples of a metric, which is named without its prefix."""
    begin = f"llamacloud_{metric}{{"
    lines = (line for line in exposition.splitlines() if line.startswith(begin))
    return sum(float(line.rpartition(" ")[2]) for line in lines)
