"""What the tests run is what we deploy, but for durations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from deployed import RULE_FILES
from e2e.shortening import ALERTMANAGER, shortened

if TYPE_CHECKING:
    from pathlib import Path

DURATION = re.compile(r"\b\d+[smhd]\b")
MILLISECONDS = re.compile(r"\b\d+ms\b")

RULE = """
- alert: A
  expr: rate(jobs_total[15m]) > 3600 and last_over_time(up[1d:30s]) == 1 # 5m
  for: 2m
  keep_firing_for: 1h
  annotations:
    summary: For 15m there was no job.
"""
SHORTENED_RULE = """
- alert: A
  expr: rate(jobs_total[15000ms]) > 3600 and last_over_time(up[1440000ms:500ms]) == 1 # 5m
  for: 2000ms
  keep_firing_for: 60000ms
  annotations:
    summary: For 15m there was no job.
"""


def test_durations_alone_are_shortened() -> None:
    """Neither thresholds, which are numbers, nor words."""
    assert SHORTENED_RULE == shortened(RULE, by=60)


@pytest.mark.parametrize("file", [*RULE_FILES, ALERTMANAGER], ids=lambda file: file.stem)
def test_every_duration_that_we_deploy_is_shortened(file: Path) -> None:
    """So that none is left that a test would have to wait for; and all else stays as it is."""
    deployed = json.dumps(yaml.safe_load(file.read_text()))
    quick = json.dumps(yaml.safe_load(shortened(file.read_text(), by=60)))
    assert [] != DURATION.findall(deployed)
    assert [] == DURATION.findall(quick)
    assert DURATION.sub("_", deployed) == MILLISECONDS.sub("_", quick)
