"""A short run of the benchmark of scrapes measures everything, even with few scrapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import scrapes
from tests.support.tools import require_tool


@pytest.mark.timeout(120)
def test_every_result_of_a_tiny_run_is_a_positive_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_tool("wrk")
    monkeypatch.chdir(Path(__file__).parents[2])
    results = list(
        scrapes.results(jobs=20, seconds=1, encodings=("gzip",), budgeted_seconds_apart=0.1)
    )
    measured = {result.what for result in results}
    for poll in (scrapes.BUDGETED, scrapes.UNLIMITED):
        assert {f"{poll}, gzip: p50", f"{poll}, gzip: p99", f"{poll}, gzip: throughput"} <= measured
        assert {
            f"{poll}, gzip, 20 scrapes/s: p99",
            f"{poll}: answers about jobs meanwhile",
        } <= measured
    beside = [result for result in results if result.what.startswith("idle, gzip: ")]
    assert 3 * len(scrapes.PEERS) == len(beside)
    assert set(scrapes.PEERS.values()) == {result.peer for result in beside}
    assert all(result.ours > 0 for result in results)
    assert all(result.ratio is not None and result.ratio > 0 for result in beside)
