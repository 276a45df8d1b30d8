"""The deployed configuration of Alertmanager is valid and routes alerts correctly."""

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
    """Run amtool and return its output; fail if it reports an error."""
    ended = subprocess.run(
        [require_tool("amtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert 0 == ended.returncode, ended.stdout + ended.stderr
    return ended.stdout


def test_it_is_valid() -> None:
    """Amtool accepts it."""
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("severity", sorted(set(SEVERITIES.values())))
def test_every_alert_but_explanations_is_notified(severity: str) -> None:
    """Only alerts of severity info, which explain others, have no receiver."""
    route = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")
    receiver = amtool(*route, f"severity={severity}").strip()
    assert ("nobody" if severity == "info" else "team") == receiver


def test_alerts_that_explain_others_exist() -> None:
    """Each inhibition names only existing alerts, as sources and as targets."""
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
