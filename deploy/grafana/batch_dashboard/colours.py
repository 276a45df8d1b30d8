"""Colours that mean something, the same in every panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import dashboard

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOD: Final = "green"
BUSY: Final = "blue"
WARNING: Final = "orange"
BAD: Final = "red"
INDIFFERENT: Final = "#8e8e8e"
UNKNOWN: Final = "purple"
WAITING: Final = "light-yellow"

JOB_STATUS: Final = {
    "pending": WAITING,
    "throttled": "light-orange",
    "dispatched": "light-blue",
    "running": BUSY,
    "completed": GOOD,
    "failed": BAD,
    "cancelled": WARNING,
    "gone": "dark-red",
    "unknown": UNKNOWN,
}
ITEM_STATUS: Final = {
    "pending": WAITING,
    "processing": BUSY,
    "completed": GOOD,
    "failed": BAD,
    "skipped": INDIFFERENT,
    "cancelled": WARNING,
    "unknown": UNKNOWN,
}
SKIP_REASON: Final = {
    "already_processed": INDIFFERENT,
    "size_limit_exceeded": WARNING,
    "other": UNKNOWN,
}
# The codes get colours from Grafana's palette: none of them is better than another.
FAILURE_REASON: Final = {"none": INDIFFERENT, "other": UNKNOWN}
POLL_RESULT: Final = {"success": GOOD, "partial": WARNING, "error": BAD}


def steps(first: str, *more: tuple[float, str]) -> ThresholdsConfig:
    """Return thresholds: the first colour, then another from each value on."""
    all_steps = [
        dashboard.Threshold(None, first),
        *(dashboard.Threshold(value, colour) for value, colour in more),
    ]
    return ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(all_steps)


def by_thresholds() -> FieldColor:
    """Return the colour scheme in which a value has the colour of its threshold."""
    return FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def fixed(colour: str) -> dashboard.DynamicConfigValue:
    """Return the property that gives a series or a column one colour."""
    return dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def mapped(colours: Mapping[str, str]) -> dashboard.DynamicConfigValue:
    """Return the property that colours a cell by its text."""
    options = {
        text: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (text, colour) in enumerate(colours.items())
    }
    return dashboard.DynamicConfigValue("mappings", [dashboard.ValueMap(options)])


def limit_line(colour: str) -> list[dashboard.DynamicConfigValue]:
    """Return the style of a line that shows a limit."""
    return [
        fixed(colour),
        dashboard.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
        dashboard.DynamicConfigValue("custom.fillOpacity", 0),
    ]
