"""The tests of the alerts, as promtool runs them."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from deployed import RULE_FILES, samples_named_in
from tools import promtool

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

HERE = Path(__file__).parent
# Cases that last for a day, evaluated less often.
DAYS = HERE / "days"
RULE_FILES_LINE = re.compile(r"^rule_files: \[(.*)\]$", re.MULTILINE)


def case_file_of(alert: str) -> Path:
    """Return the file that holds the tests of an alert."""
    return HERE / f"{alert}.yml"


def recorded_for(alert: str) -> list[dict[str, Any]]:
    """Return the recording rules before an alert in its group that it needs, or they need."""
    groups = [g for file in RULE_FILES for g in yaml.safe_load(file.read_text())["groups"]]
    (group,) = (g for g in groups if alert in {rule.get("alert") for rule in g["rules"]})
    before = list(takewhile(lambda rule: rule.get("alert") != alert, group["rules"]))
    needed = group["rules"][len(before)]["expr"]
    found = []
    for rule in reversed(before):
        if rule.get("record") in samples_named_in(needed):
            found.append(rule)
            needed += rule["expr"]
    return found[::-1]


def run_alone(
    alert: str,
    rule: Mapping[str, Any],
    folder: Path,
    *,
    recorded: list[dict[str, Any]] | None = None,
    tests: Mapping[str, Any] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the tests of an alert, or others, with this rule and with what is recorded for it."""
    before = recorded_for(alert) if recorded is None else recorded
    groups = [{"name": "alone", "rules": [*before, rule]}]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    # As text: what promtool reads as a series, 0x60, would be a number in Python's YAML.
    texts = [
        file.read_text() for file in (case_file_of(alert), DAYS / f"{alert}.yml") if file.exists()
    ]
    if tests is not None:
        texts = [yaml.safe_dump({**tests, "rule_files": ["rules.yml"]})]
    files = []
    for number, text in enumerate(texts):
        files.append(folder / f"tests-{number}.yml")
        files[-1].write_text(RULE_FILES_LINE.sub("rule_files: [rules.yml]", text, count=1))
    return promtool("test", "rules", *files)
