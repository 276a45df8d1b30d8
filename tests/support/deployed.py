"""The rules of Prometheus below deploy/, and the names that they use."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEPLOY = Path(__file__).parents[2] / "deploy"
# The chart holds the only copy of rules and dashboard, because Helm reads no files outside of it.
CHART = DEPLOY / "helm" / "llamacloud-batch-exporter"
RULES = CHART / "rules"
RULE_FILES = sorted(RULES.glob("*_rules.yml")) + sorted(RULES.glob("*_alerts.yml"))
DASHBOARD = CHART / "dashboards" / "llamacloud-batch.json"
RUNBOOKS = DEPLOY / "runbooks.md"

_SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SELECTOR = re.compile(r"(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)\{(?P<matchers>[^}]*)\}")
_MATCHER = re.compile(r'(?P<label>\w+)\s*(?:=~|!~|!=|=)\s*"(?P<values>[^"]*)"')
_LABEL_LIST = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([\w\s,]*)\)")


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Return every rule of every file."""
    groups = chain.from_iterable(yaml.safe_load(file.read_text())["groups"] for file in RULE_FILES)
    return tuple(rule for group in groups for rule in group["rules"])


def alerts() -> list[dict[str, Any]]:
    """Return the alerting rules."""
    return [rule for rule in rules() if "alert" in rule]


def records() -> list[dict[str, Any]]:
    """Return the recording rules."""
    return [rule for rule in rules() if "record" in rule]


def needed_by(query: str, rules: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the given rules whose records a query needs, directly or not, in their order."""
    found = []
    for rule in reversed(rules):
        if rule.get("record") in samples_named_in(query):
            found.append(rule)
            query += rule["expr"]
    return found[::-1]


def labels_by_sample() -> Mapping[str, frozenset[str]]:
    """Return the labels of every sample that the exporter exposes, by name."""
    names: dict[str, frozenset[str]] = {}
    for family in (*BATCH_FAMILIES, *EXPORTER_FAMILIES):
        names[family.name] = frozenset(family.labels)
        for suffix in _SUFFIXES.get(family.type, ()):
            names[family.name + suffix] = frozenset(family.labels) | {"le"}
    return names


def samples_named_in(text: str) -> set[str]:
    """Return the names in a text that may be samples of the exporter or of recording rules."""
    names = _NAME.findall(text)
    prefixes = ("llamacloud_batch_", "llamacloud_exporter_")
    return {name for name in names if ":llama" in name or name.startswith(prefixes)}


def matchers_in(query: str) -> Iterator[tuple[str, str, list[str]]]:
    """Return metric, label and values of each matcher in a query."""
    for selector in _SELECTOR.finditer(query):
        for matcher in _MATCHER.finditer(selector["matchers"]):
            yield selector["metric"], matcher["label"], matcher["values"].split("|")


def label_lists_in(query: str) -> list[list[str]]:
    """Return the labels of each grouping and join of a query, in order."""
    return [re.findall(r"\w+", names) for names in _LABEL_LIST.findall(query)]


def labels_grouped_by_in(query: str) -> set[str]:
    """Return the labels by which a query groups and joins."""
    return set(chain.from_iterable(label_lists_in(query)))


def runbook_queries() -> list[str]:
    """Return the PromQL of the runbooks: one query a line."""
    blocks = re.findall(r"```promql\n(.*?)```", RUNBOOKS.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]
