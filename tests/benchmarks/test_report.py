"""The report of the benchmarks."""

import pytest

from tests.benchmarks.report import Result, print_table


def test_a_table_shows_ratios_and_goals(capsys: pytest.CaptureFixture[str]) -> None:
    """The table aligns its columns."""
    reached = Result("a", "ms", 2.0, "peer", 20.0, ">= 10 times", reached=True)
    missed = Result("b", "MiB", 70.25, goal="< 64", reached=False)

    print_table("Title", [reached, missed])

    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0] == ["Title"]
    assert lines[2] == ["a", "ms", "2", "20", "10", "peer", ">=", "10", "times", "reached"]
    assert lines[3] == ["b", "MiB", "70.2", "<", "64", "NOT", "REACHED"]
