"""Rules, runbooks and code use the same names."""

from __future__ import annotations

import re
import subprocess
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import exporter
from exporter.app.polled_project import ENDPOINTS_OF
from exporter.config.documentation import documented_settings
from exporter.domain import FAILURE_REASONS, ItemStatus, JobStatus
from exporter.telemetry.project import USUAL_CODES
from exporter.telemetry.project_families import POLL_ERROR_REASONS, POLL_RESULTS
from tests.rules.cases import recorded_for
from tests.support import dashboard_queries as dashboard
from tests.support import reference
from tests.support.deployed import (
    DEPLOY,
    RULE_FILES,
    RUNBOOKS,
    alerts,
    label_lists_in,
    labels_by_sample,
    labels_grouped_by_in,
    matchers_in,
    records,
    rules,
    runbook_queries,
    samples_named_in,
)
from tests.support.tools import promtool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALERTS = alerts()
RECORDED = {rule["record"] for rule in records()}
# Many Kubernetes set-ups add `cluster` and `namespace`; the rules also work without them.
FROM_PROMETHEUS = {"job", "instance", "cluster", "namespace"}
VALUES: Mapping[str, set[str]] = {
    "status": set(JobStatus),
    "item_status": set(ItemStatus),
    "reason": set(POLL_ERROR_REASONS) | set(FAILURE_REASONS),
    "result": set(POLL_RESULTS),
    "endpoint": set(chain.from_iterable(ENDPOINTS_OF.values())),
    "code": set(USUAL_CODES),
    "api_version": {"v1beta", "v2"},
    # The value that an exporter publishes if it is unknown.
    "project_id": {""},
    # Placeholders that the reader of a runbook replaces.
    "project": {"PROJECT"},
    "job_id": {"JOB"},
}
README_OF_RULES = (DEPLOY / "docs" / "rules.md").read_text()
_ACTIVE_BY_STATUS = re.compile(r'_job_status\{[^}]*status=~"[a-z|]*\|unknown')
LEVELS = {"project", "job", "instance", "id", "type", "item", "status", "api", "version"}
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "When to ignore"]


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from runbook_queries()


def everywhere() -> Iterator[str]:
    yield from queries()
    yield from reference.queries().values()
    yield from (query.expr for query in dashboard.queries())


def prose() -> str:
    annotations = (text for alert in ALERTS for text in alert["annotations"].values())
    return "\n".join((RUNBOOKS.read_text(), *annotations)).replace("$labels.", "$labels ")


def sections() -> dict[str, list[str]]:
    parts = re.split(r"^## ", RUNBOOKS.read_text(), flags=re.MULTILINE)[1:]
    return {part.split("\n")[0]: re.findall(r"^### (.*)$", part, re.MULTILINE) for part in parts}


def check_rules(*files: Path) -> subprocess.CompletedProcess[str]:
    return promtool("check", "rules", "--lint=all", "--lint-fatal", *files)


def words_in_code() -> set[str]:
    source = Path(exporter.__file__).parent.rglob("*.py")
    return {word for file in source for word in re.findall(r'"([a-z_.]+)"', file.read_text())}


def test_every_metric_that_is_named_exists() -> None:
    """Rules, annotations and runbooks name only metrics that the exporter or a rule exposes."""
    named = samples_named_in("\n".join((*queries(), prose())))
    assert set() == named - set(labels_by_sample()) - RECORDED


def test_every_label_that_is_named_exists() -> None:
    """A metric has the labels by which it is selected, grouped or joined."""
    labels = labels_by_sample()
    every_label = set(chain.from_iterable(labels.values()))
    for query in queries():
        assert set() == labels_grouped_by_in(query) - every_label - FROM_PROMETHEUS
        for metric, label, values in matchers_in(query):
            assert metric in RECORDED or label in labels[metric], f"{metric} has no {label}"
            assert set() == set(values) - VALUES[label], query


def test_every_query_of_the_runbooks_is_promql(tmp_path: Path) -> None:
    """Prometheus's own parser accepts each of them."""
    assert len(runbook_queries()) > len(ALERTS)
    recorded = [
        {"record": f"runbook:query:{n}", "expr": query} for n, query in enumerate(runbook_queries())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": recorded}]}))
    checked = check_rules(file)
    assert 0 == checked.returncode, checked.stdout + checked.stderr


def test_no_query_takes_a_job_that_ended_in_an_unknown_status_for_an_active_one() -> None:
    """In rules, runbooks, pages and dashboard, a job with a completion time has ended."""
    # One rule says which jobs are active, and everything else uses what it records.
    (query,) = (query for query in everywhere() if _ACTIVE_BY_STATUS.search(query))
    assert re.search(r"unless on \([\w, ]*\bjob_id\)\s+\(", query), query
    assert "llamacloud_batch_job_completed_timestamp_seconds" in query


def test_a_query_about_jobs_that_wait_covers_those_of_both_generations() -> None:
    """Jobs wait in `pending` in both generations, and in `throttled` in v2."""
    asked_for = [
        {value for _, label, values in matchers_in(query) if label == "status" for value in values}
        for query in everywhere()
    ]
    waiting = [statuses for statuses in asked_for if "pending" in statuses]
    assert len(waiting) > 3
    assert all("throttled" in statuses for statuses in waiting)


def test_every_alert_has_a_runbook() -> None:
    """The runbook has every section that an operator needs."""
    assert {alert["alert"] for alert in ALERTS} == set(sections())
    assert all(HEADINGS == headings for headings in sections().values())


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_says_what_a_person_needs(alert: dict[str, Any]) -> None:
    """Each has a severity, a summary, the first step and a link to its runbook."""
    assert alert["alert"].startswith(("LlamaCloudBatch", "LlamaCloudExporter"))
    assert {"severity"} == set(alert["labels"])
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    annotations = alert["annotations"]
    assert {"summary", "description", "runbook_url", "dashboard_url"} == set(annotations)
    assert f"deploy/runbooks.md#{alert['alert'].lower()}" == annotations["runbook_url"]
    assert "$" not in annotations["summary"]
    assert "$labels.project }}" in annotations["description"]
    url = annotations["dashboard_url"]
    assert url.startswith(f"/d/{dashboard.BOARD['uid']}")
    assert {name for name in ("project", "job_id") if f"var-{name}=" in url} <= set(
        dashboard.VARIABLES
    )
    about_a_job = bool(re.match(r"LlamaCloudBatch(?!Project)", alert["alert"]))
    assert about_a_job == ("var-job_id={{ urlquery $labels.job_id }}" in url)
    assert about_a_job == ("{{ $labels.job_id }}" in annotations["description"])
    assert re.search(r"\bFirst (?!time)[a-z]+ ", annotations["description"])


def calls_around(query: str, position: int) -> list[str]:
    """Return what precedes each parenthesis that is open at a position."""
    calls: list[str] = []
    for index, character in enumerate(query[:position]):
        if character == "(":
            calls.append(query[:index].rstrip())
        elif character == ")":
            calls.pop()
    return calls


@pytest.mark.parametrize(
    "rule", list(rules()), ids=lambda rule: rule.get("alert", rule.get("record"))
)
def test_replicas_are_one_before_anything_else(rule: dict[str, Any]) -> None:
    """Every series of the exporter is first aggregated by its project or process."""
    query = rule["expr"]
    for name in samples_named_in(query) - RECORDED:
        for found in re.finditer(rf"\b{name}\b(?!:)", query):
            calls = calls_around(query, found.start())
            assert any(
                re.search(
                    r"\b((max|min|count) by \(cluster, namespace, (project|job)[\w, ]*\)|absent)$",
                    c,
                )
                for c in calls
            )


@pytest.mark.parametrize(
    "rule", list(rules()), ids=lambda rule: rule.get("alert", rule.get("record"))
)
def test_no_rule_reads_more_than_an_hour_of_what_is_scraped(rule: dict[str, Any]) -> None:
    """Longer ranges are read from recorded series."""
    ranges = re.findall(r"([\w:]+)(?:\{[^}]*\})?\s*\[(\w+)[\]:]", rule["expr"])
    scraped = {range_read for name, range_read in ranges if name not in RECORDED}
    assert scraped <= {"15m", "30m", "1h"}, rule["expr"]


@pytest.mark.parametrize(
    "rule", list(rules()), ids=lambda rule: rule.get("alert", rule.get("record"))
)
def test_clusters_and_namespaces_are_kept_apart(rule: dict[str, Any]) -> None:
    """Every aggregation and join keeps both labels, so that clusters never mix."""
    grouped = [labels for labels in label_lists_in(rule["expr"]) if labels]
    assert grouped or samples_named_in(rule["expr"]) <= RECORDED
    assert all(["cluster", "namespace"] == labels[:2] for labels in grouped), rule["expr"]


def test_each_file_is_usable_without_the_others() -> None:
    """Alerts use only exposed metrics and the records before them in their group."""
    for alert in ALERTS:
        before = {rule["record"] for rule in recorded_for(alert["alert"])}
        assert before == RECORDED & samples_named_in(
            " ".join([alert["expr"], *(rule["expr"] for rule in recorded_for(alert["alert"]))])
        )


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_recorded_names_say_level_metric_and_operations(name: str) -> None:
    """The level of a name lists the labels that remain."""
    level, metric, operations = name.split(":")
    assert set(level.split("_")) <= LEVELS
    assert metric.startswith(("llamacloud_batch_", "llamacloud_exporter_"))
    assert operations in {"max", "min", "sum", "ratio", "deriv15m", "rate15m"}


def test_every_record_is_documented() -> None:
    """The table of recorded series names each record once."""
    documented = re.findall(r"`(\w+:llamacloud_\w+:\w+)`", README_OF_RULES)
    assert sorted(RECORDED) == sorted(documented)


def test_log_lines_and_settings_that_are_named_exist() -> None:
    """Annotations and runbooks name only existing log events and settings."""
    named = set(re.findall(r"\b([a-z]+\.[a-z_]+)\b", prose()))
    known = words_in_code() | {doc.setting for doc in documented_settings()}
    assert set() == {name for name in named if not name.endswith(".md")} - known
    assert "item.failed" in named


def test_links_within_the_runbooks_lead_somewhere() -> None:
    """Each link leads to the section of an alert."""
    anchors = {alert["alert"].lower() for alert in ALERTS}
    assert anchors == set(re.findall(r"\]\(#([^)]+)\)", RUNBOOKS.read_text()))


def test_the_advice_for_other_set_ups_works(tmp_path: Path) -> None:
    """The files stay valid after the edits that deploy/docs/rules.md describes."""
    commands = re.findall(
        r"^for file in \*\.yml.*?^done$", README_OF_RULES, re.MULTILINE | re.DOTALL
    )
    assert 3 == len(commands)
    for file in RULE_FILES:
        (tmp_path / file.name).write_text(file.read_text())
    for command in commands:
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    checked = check_rules(*tmp_path.glob("*.yml"))
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    changed = "".join(file.read_text() for file in tmp_path.glob("*.yml"))
    assert "keep_firing_for: " not in changed
    assert len(ALERTS) == changed.count("runbook_url: https://")
    assert len(ALERTS) == changed.count('dashboard_url: "https://')
