"""The deployed rules and routes with shorter durations, so that tests need not wait for minutes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.deployed import DEPLOY, RULE_FILES

if TYPE_CHECKING:
    from pathlib import Path

ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
_MILLISECONDS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_KEYS = "for|keep_firing_for|group_wait|group_interval|repeat_interval"
_DURATION = re.compile(
    rf"(?P<before>^ *(?:- )?(?:{_KEYS}): |\[|:)(?P<number>\d+)(?P<unit>[smhd])(?=\]|:\d|$)",
    re.MULTILINE,
)
# The minimum of a duration that is a number of intervals.
_LEAST_SECONDS = re.compile(r"(?<=_interval_seconds\), )\d+(?=\)$)", re.MULTILINE)
_WEBHOOK = re.compile(r"(?<=- url: ).*$", re.MULTILINE)


def shortened(text: str, *, by: int) -> str:
    """Divide the durations of rules or of Alertmanager's routes, and change nothing else.

    Durations are the values of certain keys, the ranges of queries such as ``[15m]`` and
    ``[15m:30s]``, and the seconds that a number of intervals is clamped to.
    """

    def shorter(found: re.Match[str]) -> str:
        milliseconds = int(found["number"]) * _MILLISECONDS[found["unit"]] // by
        return f"{found['before']}{milliseconds}ms"

    text = _LEAST_SECONDS.sub(lambda found: str(int(found[0]) / by), text)
    return _DURATION.sub(shorter, text)


def shortened_rules(folder: Path, *, by: int) -> Path:
    """Write the rules with shorter durations to a folder, and return the folder."""
    for file in RULE_FILES:
        (folder / file.name).write_text(shortened(file.read_text(), by=by))
    return folder


def alertmanager_config(webhook: str, *, by: int) -> str:
    """Return Alertmanager's deployed configuration with another webhook and shorter durations."""
    config, webhooks = _WEBHOOK.subn(webhook, ALERTMANAGER.read_text())
    assert 1 == webhooks
    return shortened(config, by=by)
