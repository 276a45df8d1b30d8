"""The tests of the alerts, as promtool runs them."""

from __future__ import annotations

import re
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.deployed import RULE_FILES, needed_by
from tests.support.tools import run_rule_tests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Path(__file__).parent
# Cases that last for a day, evaluated less often.
DAYS = HERE / "days"
PASSED = "SUCCESS"
# Printed for unexpected alerts and for queries that fail, but not for rules that cannot be read.
_NOTICED = re.compile(r"\b(exp|err):")

Rule = dict[str, Any]
Tests = dict[str, Any]


def case_file_of(alert: str) -> Path:
    """Return the file that holds the tests of an alert."""
    return HERE / f"{alert}.yml"


@cache
def content_of(alert: str) -> tuple[Tests, ...]:
    """Return the content of each file that holds tests of an alert, with numbers as text.

    YAML would read 0x60, which promtool reads as a series, as a number.
    """
    files = (case_file_of(alert), DAYS / f"{alert}.yml")
    return tuple(
        yaml.load(file.read_text(), yaml.BaseLoader)  # noqa: S506 - It creates only strings.
        for file in files
        if file.exists()
    )


def single_cases_of(alert: str) -> list[Tests]:
    """Return each case of an alert as a test file of its own."""
    return [tests | {"tests": [case]} for tests in content_of(alert) for case in tests["tests"]]


@cache
def recorded_for(alert: str) -> tuple[Rule, ...]:
    """Return the recording rules of an alert's group that it needs, directly or indirectly."""
    groups = [g for file in RULE_FILES for g in yaml.safe_load(file.read_text())["groups"]]
    (group,) = (g for g in groups if alert in {rule.get("alert") for rule in g["rules"]})
    before = list(takewhile(lambda rule: rule.get("alert") != alert, group["rules"]))
    return tuple(needed_by(group["rules"][len(before)]["expr"], before))


def run_each(tests: Mapping[str, tuple[Sequence[Rule], Tests]], folder: Path) -> dict[str, str]:
    """Run tests, each with its own rules, and return what promtool prints about each.

    They share one run, because a process takes longer to start than a case takes.
    """
    files = []
    for number, (rules, content) in enumerate(tests.values()):
        groups = [{"name": "alone", "rules": list(rules)}]
        (folder / f"rules-{number}.yml").write_text(_yaml({"groups": groups}))
        files.append(folder / f"tests-{number}.yml")
        files[-1].write_text(_yaml(content | {"rule_files": [f"rules-{number}.yml"]}))
    return dict(zip(tests, run_rule_tests(*files), strict=True)) if files else {}


def is_noticed(printed: str) -> bool:
    """Return whether promtool's output about some tests shows that a rule is wrong."""
    return bool(_NOTICED.search(printed))


def _yaml(content: object) -> str:
    return yaml.dump(content, Dumper=yaml.CSafeDumper, width=1000)
