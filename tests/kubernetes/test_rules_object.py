"""The PrometheusRule of the chart: the shipped rules, and how values change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kubernetes.helm import only, rendered
from tests.support.deployed import RULE_FILES, alerts, rules
from tests.support.tools import promtool

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "https://git.example.org/copies/llamacloud-batch-exporter/blob/main"
STUCK = "LlamaCloudBatchJobStuck"


def groups(**values: Any) -> list[dict[str, Any]]:
    """Return the groups of the rules that the chart renders with these values."""
    found = only(rendered({"prometheusRule": {"enabled": True, **values}}), "PrometheusRule")
    spec: list[dict[str, Any]] = found["spec"]["groups"]
    return spec


def by_name(**values: Any) -> dict[str, dict[str, Any]]:
    """Return the rules that the chart renders with these values, by name."""
    found = [rule for group in groups(**values) for rule in group["rules"]]
    return {rule.get("alert") or rule["record"]: rule for rule in found}


def shipped() -> dict[str, dict[str, Any]]:
    """Return the rules of the files by name."""
    return {rule.get("alert") or rule["record"]: rule for rule in rules()}


def test_the_rules_are_those_of_the_files() -> None:
    """Every group is unchanged, including braces that Helm must not evaluate."""
    files = sorted(RULE_FILES)
    expected = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    assert expected == groups()
    assert "{{ $labels.job_id }}" in str(groups())


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    """All lints are on, without values and with every change that values can make."""
    changed = {
        "runbookUrlPrefix": PREFIX,
        "alertLabels": {"team": "ingest"},
        "keepFiringFor": False,
        "disabled": ["LlamaCloudExporterJobsUncounted"],
        "overrides": {STUCK: {"for": "30m", "expr": "vector(1) > 2"}},
    }
    for name, values in {"plain": {}, "changed": changed}.items():
        file = tmp_path / f"{name}.yml"
        file.write_text(yaml.safe_dump({"groups": groups(**values)}))
        checked = promtool("check", "rules", "--lint=all", "--lint-fatal", file)
        assert 0 == checked.returncode, checked.stdout + checked.stderr


def test_a_rule_is_changed_by_its_name() -> None:
    """Fields are replaced, and labels and annotations merged; other rules stay as they are."""
    override = {"for": "30m", "labels": {"severity": "critical", "page": "yes"}}
    found = by_name(overrides={STUCK: override})
    expected = shipped()[STUCK]
    labels = expected["labels"] | override["labels"]
    assert expected | {"for": "30m", "labels": labels} == found.pop(STUCK)
    assert {name: rule for name, rule in shipped().items() if name != STUCK} == found


def test_null_removes_a_field() -> None:
    """Prometheus refuses null, and a rule may be wanted without `for`."""
    found = by_name(overrides={STUCK: {"for": None}})[STUCK]
    assert {"for"} == set(shipped()[STUCK]) - set(found)


def test_a_recording_rule_is_changed_by_its_name() -> None:
    """Its name is that of the recorded series."""
    name = "project:llamacloud_batch_failing_jobs:sum"
    found = by_name(overrides={name: {"labels": {"team": "ingest"}}})[name]
    assert {"team": "ingest"} == found["labels"]


def test_rules_are_left_out_by_their_names() -> None:
    """A group without any rules left is removed as well."""
    (last,) = [group for group in groups() if group["name"] == "llamacloud_batch_projects"]
    names = [rule["record"] for rule in last["rules"]]
    assert set(shipped()) - {*names, STUCK} == set(by_name(disabled=[*names, STUCK]))
    assert last["name"] not in {group["name"] for group in groups(disabled=names)}


def test_every_alert_can_be_labelled() -> None:
    """The labels are added to alerts only, not to recording rules."""
    found = by_name(alertLabels={"team": "ingest"})
    for name, rule in found.items():
        assert ("alert" in rule) == (rule.get("labels", {}).get("team") == "ingest"), name
        assert "alert" not in rule or shipped()[name]["labels"].items() < rule["labels"].items()


@pytest.mark.parametrize("prefix", [PREFIX, f"{PREFIX}/"])
def test_links_lead_to_the_copy_of_the_runbooks(prefix: str) -> None:
    """The configured prefix may end in a slash or not."""
    found = by_name(runbookUrlPrefix=prefix)
    for alert in alerts():
        url = f"{PREFIX}/{alert['annotations']['runbook_url']}"
        assert url == found[alert["alert"]]["annotations"]["runbook_url"]


@pytest.mark.parametrize("url", ["https://grafana.example.org", "https://grafana.example.org/"])
def test_links_lead_to_the_dashboard(url: str) -> None:
    """Grafana's configured address may end in a slash or not."""
    found = by_name(grafanaUrl=url)
    for alert in alerts():
        linked = f"https://grafana.example.org{alert['annotations']['dashboard_url']}"
        assert linked == found[alert["alert"]]["annotations"]["dashboard_url"]


def test_an_old_prometheus_gets_no_keep_firing_for() -> None:
    """Prometheus before 2.42 refuses this field."""
    assert any("keep_firing_for" in rule for rule in by_name().values())
    assert not any("keep_firing_for" in rule for rule in by_name(keepFiringFor=False).values())
