"""A short soak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


# The speed of the machine affects the duration, and not the verdict.
@pytest.mark.timeout(280)
def test_a_short_soak_finds_nothing_wrong() -> None:
    """The seed differs in each run, and the output shows it."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.soak", "--seconds", "5", "--jobs-per-second", "14"),
            "--api-versions=v1beta",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert "verdict: all that the exporter said is true" in ended.stdout
