"""A short run of the benchmark of polls: both sides do the same work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import single_requests
from tests.benchmarks.polls import Size, results

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def test_it_compares_polls_with_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each side lists once and sends two requests for each job, whose items fit on one page."""
    monkeypatch.chdir(ROOT)
    tiny = Size(3, polls=1, sync_loops=1, async_loops=1)
    found = list(results((tiny,), items=50, latency_seconds=0.001))
    assert {"SDK, async", "SDK, sync"} == {result.peer for result in found}
    assert {"time, 3 jobs", "CPU time, 3 jobs", "requests, 3 jobs"} == {
        result.what for result in found
    }
    assert len(found) == 6
    for result in found:
        assert result.ours > 0
        assert result.theirs is not None
        assert result.theirs > 0
        if result.what.startswith("requests"):
            assert (7, 7) == (result.ours, result.theirs)
        else:
            assert result.reached is not None


def test_it_compares_requests_of_both_generations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page has the requested number of rows."""
    monkeypatch.chdir(ROOT)
    (found,) = single_requests.results(file_jobs=20, items=50, repetitions=2)
    assert found.ours > 0
    assert found.theirs is not None
    assert found.theirs > 0
    assert found.reached is not None
