"""Projects and jobs of one name in two clusters and two namespaces are told apart."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from deployed import alerts
from rules.cases import case_file_of, recorded_for, run_alone

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = {alert["alert"]: alert for alert in alerts()}
HERE = {"cluster": "east", "namespace": "one"}
ELSEWHERE = ({"cluster": "east", "namespace": "two"}, {"cluster": "west", "namespace": "one"})
_LABELS = re.compile(r'(\w+)="([^"]*)"')


def labelled(series: str, labels: dict[str, str]) -> str:
    """Return the name of a series with more labels."""
    more = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return series.replace("{", "{" + more + ",", 1)


def instances(series: list[dict[str, str]], name: str) -> set[str]:
    """Return the instances that have series of a project or job of this name."""
    found = (dict(_LABELS.findall(each["series"])) for each in series)
    return {labels["instance"] for labels in found if name in labels.values()}


def healthy_as_bad(series: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return what is well, under the names and the address of what is not."""
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


def among_clusters(alert: str) -> dict[str, Any]:
    """Return the first tests of an alert, with what is well beside it elsewhere."""
    text = case_file_of(alert).read_text()
    # It makes texts of everything: what promtool reads as a series, 0x60, is a number to others.
    tests: dict[str, Any] = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    case = deepcopy(tests["tests"][0])
    well = healthy_as_bad(case["input_series"])
    case["input_series"] = [
        each | {"series": labelled(each["series"], labels)}
        for labels, series in ((HERE, case["input_series"]), *((e, well) for e in ELSEWHERE))
        for each in series
    ]
    for moment in case["alert_rule_test"]:
        moment["exp_alerts"] = [
            expected | {"exp_labels": HERE | expected["exp_labels"]}
            for expected in moment["exp_alerts"]
        ]
    return tests | {"tests": [case]}


@pytest.mark.parametrize("alert", ALERTS)
def test_what_is_well_elsewhere_hides_nothing(alert: str, tmp_path: Path) -> None:
    """The alert fires and resolves as it does alone, and says where."""
    tested = run_alone(alert, ALERTS[alert], tmp_path, tests=among_clusters(alert))
    assert 0 == tested.returncode, tested.stdout + tested.stderr


@pytest.mark.parametrize("label", HERE)
@pytest.mark.parametrize("alert", ALERTS)
def test_a_rule_without_the_label_is_noticed(alert: str, label: str, tmp_path: Path) -> None:
    """It would take clusters, or namespaces, for one."""
    *recorded, rule = (
        rule | {"expr": rule["expr"].replace(f"{label}, ", "")}
        for rule in (*recorded_for(alert), ALERTS[alert])
    )
    tested = run_alone(alert, rule, tmp_path, recorded=recorded, tests=among_clusters(alert))
    assert 1 == tested.returncode, tested.stdout
