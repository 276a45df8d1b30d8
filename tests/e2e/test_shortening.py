"""The shortened rules differ from the deployed ones only in durations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.shortening import ALERTMANAGER, shortened
from tests.support.deployed import RULE_FILES

if TYPE_CHECKING:
    from pathlib import Path

DURATION = re.compile(r"\b\d+[smhd]\b")
MILLISECONDS = re.compile(r"\b\d+ms\b")
LEAST_SECONDS = re.compile(r"(?<=_interval_seconds\), )[\d.]+")

RULE = """
- alert: A
  expr: rate(jobs_total[15m]) > 3600 and last_over_time(up[1d:30s]) == 1 # 5m
  unless age > clamp_min(30 * max(poll_interval_seconds), 1200)
  and clamp_min(left, 1200)
  for: 2m
  keep_firing_for: 1h
  annotations:
    summary: For 15m there was no job.
"""
SHORTENED_RULE = """
- alert: A
  expr: rate(jobs_total[15000ms]) > 3600 and last_over_time(up[1440000ms:500ms]) == 1 # 5m
  unless age > clamp_min(30 * max(poll_interval_seconds), 20.0)
  and clamp_min(left, 1200)
  for: 2000ms
  keep_firing_for: 60000ms
  annotations:
    summary: For 15m there was no job.
"""


def test_durations_alone_are_shortened() -> None:
    """Thresholds, which are numbers, and words stay as they are."""
    assert SHORTENED_RULE == shortened(RULE, by=60)


@pytest.mark.parametrize("file", [*RULE_FILES, ALERTMANAGER], ids=lambda file: file.stem)
def test_every_duration_that_we_deploy_is_shortened(file: Path) -> None:
    """No long duration is left to wait for, and everything else stays as it is."""
    deployed = json.dumps(yaml.safe_load(file.read_text()))
    quick = json.dumps(yaml.safe_load(shortened(file.read_text(), by=60)))
    assert [] != DURATION.findall(deployed)
    assert [] == DURATION.findall(quick)
    assert without_durations(deployed, DURATION) == without_durations(quick, MILLISECONDS)
    least, shorter = (map(float, LEAST_SECONDS.findall(text)) for text in (deployed, quick))
    assert [seconds / 60 for seconds in least] == list(shorter)


def without_durations(text: str, durations: re.Pattern[str]) -> str:
    return LEAST_SECONDS.sub("_", durations.sub("_", text))
