"""The benchmark of the footprint, in a size that takes seconds."""

from pathlib import Path

import pytest

from tests.benchmarks.footprint import Size, results


def test_everything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """All figures are present, and none has a goal at this size."""
    monkeypatch.chdir(Path(__file__).parents[2])
    size = Size(
        starts=1,
        settling_seconds=0.1,
        idle_seconds=0.5,
        jobs=20,
        scrapes=4,
        seconds_between_scrapes=0.1,
        warm_up_polls=5,
        polls=5,
    )

    found = list(results(size))

    assert len(found) == 15
    assert all(result.ours > 0 for result in found)
    assert all(result.theirs is None or result.theirs > 0 for result in found)
