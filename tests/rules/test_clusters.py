"""Projects and jobs of the same name in two clusters and two namespaces are kept apart."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from tests.rules.cases import (
    PASSED,
    Rule,
    Tests,
    is_noticed,
    recorded_for,
    run_each,
    single_cases_of,
)
from tests.support.deployed import alerts

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = {alert["alert"]: alert for alert in alerts()}
HERE = {"cluster": "east", "namespace": "one"}
ELSEWHERE = ({"cluster": "east", "namespace": "two"}, {"cluster": "west", "namespace": "one"})
_LABELS = re.compile(r'(\w+)="([^"]*)"')


def labelled(series: str, labels: dict[str, str]) -> str:
    """Return the name of a series with labels added."""
    more = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return series.replace("{", "{" + more + ",", 1)


def instances(series: list[dict[str, str]], name: str) -> set[str]:
    """Return the instances that have series of a project or job of this name."""
    found = (dict(_LABELS.findall(each["series"])) for each in series)
    return {labels["instance"] for labels in found if name in labels.values()}


def healthy_as_bad(series: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return healthy series under the names and the address of faulty ones."""
    of_healthy, of_bad = instances(series, "healthy"), min(instances(series, "bad"))
    renamed = []
    for each in series:
        labels = dict(_LABELS.findall(each["series"]))
        of_its_process = "project" not in labels and labels["instance"] in of_healthy
        if "healthy" in labels.values() or (of_its_process and of_bad not in of_healthy):
            name = each["series"].replace('"healthy"', '"bad"')
            if len(of_healthy) == 1:
                name = re.sub(r'instance="\w+"', f'instance="{of_bad}"', name)
            renamed.append(each | {"series": name})
    return renamed


def among_clusters(alert: str) -> Tests:
    """Return the first case of an alert, with healthy series of other clusters beside it."""
    tests = deepcopy(single_cases_of(alert)[0])
    (case,) = tests["tests"]
    well = healthy_as_bad(case["input_series"])
    case["input_series"] = [
        each | {"series": labelled(each["series"], labels)}
        for labels, series in ((HERE, case["input_series"]), *((e, well) for e in ELSEWHERE))
        for each in series
    ]
    for moment in case["alert_rule_test"]:
        moment["exp_alerts"] = [
            {
                "exp_labels": HERE | expected["exp_labels"],
                "exp_annotations": with_dashboard_of_cluster(expected["exp_annotations"]),
            }
            for expected in moment["exp_alerts"]
        ]
    return tests


def with_dashboard_of_cluster(annotations: dict[str, str]) -> dict[str, str]:
    """Return annotations whose link to the dashboard selects the cluster and the namespace."""
    selected = "".join(f"&var-{name}={value}" for name, value in HERE.items())
    return annotations | {"dashboard_url": annotations["dashboard_url"] + selected}


def without(label: str, rules: list[Rule]) -> list[Rule]:
    """Return rules that ignore the cluster, or the namespace."""
    return [rule | {"expr": rule["expr"].replace(f"{label}, ", "")} for rule in rules]


@pytest.mark.parametrize("alert", ALERTS)
def test_what_is_well_elsewhere_hides_nothing(alert: str, tmp_path: Path) -> None:
    """The alert fires and resolves as it does alone, and names its cluster; no label is spare."""
    rules, tests = [*recorded_for(alert), ALERTS[alert]], among_clusters(alert)
    mutants = {label: (without(label, rules), tests) for label in HERE}
    printed = run_each({"as deployed": (rules, tests)} | mutants, tmp_path)
    assert PASSED in printed.pop("as deployed"), printed
    assert list(HERE) == [label for label in printed if is_noticed(printed[label])]
