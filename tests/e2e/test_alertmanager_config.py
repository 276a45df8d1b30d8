"""The configuration of Alertmanager that we deploy is valid, and sends alerts where it should."""

from __future__ import annotations

import subprocess
from collections import defaultdict

import pytest
import yaml

from tests.e2e.shortening import ALERTMANAGER
from tests.support.deployed import alerts
from tests.support.tools import require_tool

SEVERITIES = {alert["alert"]: alert["labels"]["severity"] for alert in alerts()}


def amtool(*arguments: str) -> str:
    """Return what Alertmanager's own tool says to be right; fail if it is not."""
    ended = subprocess.run(
        [require_tool("amtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    return ended.stdout


def test_it_is_valid() -> None:
    """By Alertmanager's own word."""
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("severity", sorted(set(SEVERITIES.values())))
def test_somebody_is_told_of_all_but_explanations(severity: str) -> None:
    """Alerts that are for information explain others."""
    route = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")
    receiver = amtool(*route, f"severity={severity}").strip()
    assert ("nobody" if severity == "info" else "team") == receiver


def test_alerts_that_explain_others_exist() -> None:
    """Each inhibition names alerts that there are, once on each side."""
    sides: defaultdict[str, list[str]] = defaultdict(list)
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            (matcher,) = rule[side]
            sides[side] += expanded(matcher)
    assert set() == {*sides["source_matchers"], *sides["target_matchers"]} - SEVERITIES.keys()


def expanded(matcher: str) -> list[str]:
    """Return the alerts that ``alertname = A`` or ``alertname =~ "A(B|C)"`` names."""
    name = matcher.split(maxsplit=2)[2].strip('"')
    before, _, choices = name.partition("(")
    return [before + choice for choice in choices.removesuffix(")").split("|")]
