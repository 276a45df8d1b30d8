"""Every alert fires, stays silent for healthy series, and resolves, as promtool computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.rules.cases import HERE, PASSED, case_file_of, content_of, recorded_for, run_each
from tests.support.deployed import RULE_FILES, alerts, records
from tests.support.tools import promtool

if TYPE_CHECKING:
    from pathlib import Path

TEST_FILES = sorted(HERE.glob("*.yml"))
RECORDING_TESTS = HERE / "recording_rules.yml"
ALERTS = {alert["alert"]: alert for alert in alerts()}


def cases_of(alert: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load(case_file_of(alert).read_text())["tests"]
    return cases


def fires_after(case: dict[str, Any]) -> list[bool]:
    return [bool(moment["exp_alerts"]) for moment in case["alert_rule_test"]]


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.stem)
def test_each_file_is_valid_by_itself(file: Path) -> None:
    """Promtool accepts each file with all of its lints."""
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", file)
    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_does_what_its_tests_say(alert: str, tmp_path: Path) -> None:
    """Labels and annotations are compared as well; each alert works without other groups."""
    rules = [*recorded_for(alert), ALERTS[alert]]
    files = {f"file {n}": (rules, tests) for n, tests in enumerate(content_of(alert))}
    for printed in run_each(files, tmp_path).values():
        assert PASSED in printed, printed


def test_what_is_recorded_is_what_its_tests_say() -> None:
    """All recording rules run together, because some are computed from others."""
    tested = promtool("test", "rules", RECORDING_TESTS)
    assert 0 == tested.returncode, tested.stdout + tested.stderr


def test_every_rule_has_tests() -> None:
    """Each alert has a file that includes its records, and one file covers all other records."""
    assert {*ALERTS, RECORDING_TESTS.stem} == {file.stem for file in TEST_FILES}
    recorded = RECORDING_TESTS.read_text()
    for_alerts = {rule["record"] for alert in ALERTS for rule in recorded_for(alert)}
    names = {rule["record"] for rule in records()} - for_alerts
    assert set() == {name for name in names if name not in recorded}
    for alert in ALERTS:
        (named,) = content_of(alert)[0]["rule_files"]
        assert f"alert: {alert}\n" in (HERE / named).read_text()


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested_in_every_way(alert: str) -> None:
    """One case covers silent, firing and resolved beside healthy series; others cover edges."""
    cases = cases_of(alert)
    whole = cases[0]
    assert [False, True] == fires_after(whole)[:2]
    assert not fires_after(whole)[-1]
    firing = [e for moment in whole["alert_rule_test"] for e in moment["exp_alerts"]]
    assert all({"exp_labels", "exp_annotations"} == set(expected) for expected in firing)
    assert any('="healthy"' in series["series"] for series in whole["input_series"])
    assert {alert} == {m["alertname"] for case in cases for m in case["alert_rule_test"]}
    names = " ".join(case["name"] for case in cases)
    assert ["replicas", "restart", "missing series"] == [
        word for word in ("replicas", "restart", "missing series") if word in names
    ]
