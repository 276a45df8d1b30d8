"""Every alert fires, is silent where all is well, and resolves, by Prometheus's own word."""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from deployed import RULE_FILES, alerts, records
from tools import promtool

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TEST_FILES = sorted(HERE.glob("*.yml"))
ALERTS = {alert["alert"]: alert for alert in alerts()}


def cases_of(alert: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load((HERE / f"{alert}.yml").read_text())["tests"]
    return cases


def fires_after(case: dict[str, Any]) -> list[bool]:
    return [bool(moment["exp_alerts"]) for moment in case["alert_rule_test"]]


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.stem)
def test_each_file_is_valid_by_itself(file: Path) -> None:
    """With all of promtool's lints."""
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", file)
    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_the_rules_do_what_their_tests_say(file: Path) -> None:
    """With all labels and annotations."""
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr


def test_every_rule_has_tests() -> None:
    """A file for each alert, and one for what is recorded."""
    assert {*ALERTS, "recording_rules"} == {file.stem for file in TEST_FILES}
    recorded = (HERE / "recording_rules.yml").read_text()
    assert [] == [rule["record"] for rule in records() if f"{rule['record']}" not in recorded]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested_in_every_way(alert: str) -> None:
    """Silent, firing and resolved in one case, beside what is well; and in the hard cases."""
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


def never(rule: dict[str, Any]) -> None:
    rule["expr"] = f"({rule['expr']}) unless on () vector(1)"


def without_for(rule: dict[str, Any]) -> None:
    rule.pop("for", None)


def without_keep_firing_for(rule: dict[str, Any]) -> None:
    rule.pop("keep_firing_for", None)


def an_alert_for_each_replica(rule: dict[str, Any]) -> None:
    rule["expr"] = re.sub(
        r"\b(max|count|sum) by \(project\b", r"\1 by (instance, project", rule["expr"]
    )


def with_the_least_of_replicas(rule: dict[str, Any]) -> None:
    rule["expr"] = rule["expr"].replace("max by", "min by")


MUTATIONS = (
    never,
    without_for,
    without_keep_firing_for,
    an_alert_for_each_replica,
    with_the_least_of_replicas,
)
# Replicas are told the same time of creation, and share an organization and its credits; and what
# an exporter that is down has said last is not looked at.
NO_DIFFERENCE = {
    ("LlamaCloudBatchJobQueuedTooLong", with_the_least_of_replicas),
    ("LlamaCloudExporterOutOfCredits", with_the_least_of_replicas),
    ("LlamaCloudExporterAbsent", with_the_least_of_replicas),
    ("LlamaCloudExporterUnsteady", with_the_least_of_replicas),
}


def mutants() -> Iterator[Any]:
    for (name, alert), mutation in product(ALERTS.items(), MUTATIONS):
        rule = deepcopy(alert)
        mutation(rule)
        if rule != alert and (name, mutation) not in NO_DIFFERENCE:
            yield pytest.param(name, rule, id=f"{name}-{mutation.__name__}")


@pytest.mark.parametrize(("alert", "rule"), list(mutants()))
def test_the_tests_notice_a_rule_that_is_wrong(
    alert: str, rule: dict[str, Any], tmp_path: Path
) -> None:
    """One that never fires, fires too early or ends too soon, and one that replicas confuse."""
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "mutated", "rules": [rule]}]})
    )
    tests = yaml.safe_load((HERE / f"{alert}.yml").read_text())
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump(tests | {"rule_files": ["rules.yml"]}))
    tested = promtool("test", "rules", file)
    assert 1 == tested.returncode, tested.stdout
    assert "FAILED" in tested.stdout + tested.stderr
