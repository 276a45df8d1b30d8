"""The dashboard and the code use the same names."""

from __future__ import annotations

import re
from itertools import chain

import pytest

from exporter.domain import ItemStatus, JobStatus
from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES
from tests.support.dashboard_queries import (
    BOARD,
    Query,
    label_queries,
    queries,
    variables_in,
    with_variables,
)
from tests.support.deployed import labels_by_sample, labels_grouped_by_in, matchers_in, records

FAMILIES = (*BATCH_FAMILIES, *EXPORTER_FAMILIES)
LABELS = labels_by_sample()
COUNTERS = {family.name for family in FAMILIES if family.type == "counter"}
# Names that prometheus_client adds for any process, and Prometheus for any series.
OF_PROCESSES = {"process_resident_memory_bytes"}
FROM_PROMETHEUS = {"job", "instance", "cluster", "namespace"}
RECORDED = {rule["record"] for rule in records()}
VALUES: dict[str, set[str]] = {"status": set(JobStatus), "item_status": set(ItemStatus)}
NAME = re.compile(r"(?<![\w:])(?:llamacloud_(?:batch|exporter)|process)_[a-z_]+[a-z]\b")

_RECORDED_NAME = re.compile(r"\w+:llamacloud_\w+:\w+")

every_query = pytest.mark.parametrize("query", queries(), ids=str)


def names_in(text: str) -> set[str]:
    return set(NAME.findall(text))


def check_selectors(promql: str) -> None:
    for metric, label, values in matchers_in(promql):
        if label not in FROM_PROMETHEUS and metric not in RECORDED | {"ALERTS"}:
            assert label in LABELS[metric], f"{metric} has no {label}"
        if label in VALUES:
            assert set() == set(values) - VALUES[label]


@every_query
def test_every_name_in_a_query_exists(query: Query) -> None:
    """This covers metrics, the labels used to select and group them, and the values of labels."""
    recorded = set(_RECORDED_NAME.findall(query.expr))
    assert names_in(query.expr) | recorded or query.expr.startswith("ALERTS{")
    assert set() == recorded - RECORDED
    assert set() == names_in(query.expr) - set(LABELS) - OF_PROCESSES
    check_selectors(query.expr)
    grouped = labels_grouped_by_in(query.expr)
    assert set() == grouped - set(chain.from_iterable(LABELS.values())) - FROM_PROMETHEUS


@every_query
def test_legends_name_labels_that_the_query_leaves(query: Query) -> None:
    """With other labels, all lines would have the same name."""
    (legend,) = (
        target.get("legendFormat", "")
        for panel in BOARD["panels"]
        if panel["title"] == query.panel
        for target in panel.get("targets", ())
        if target["refId"] == query.ref_id
    )
    kept = labels_grouped_by_in(query.expr)
    assert set() == set(re.findall(r"\{\{(\w+)\}\}", legend)) - kept - FROM_PROMETHEUS


def test_variables_are_filled_from_series_that_exist() -> None:
    """Those series have the label that the variable lists."""
    assert ["cluster", "namespace", "project", "job_type", "job_id"] == [
        label for _, label in label_queries()
    ]
    for series, label in label_queries():
        (metric,) = names_in(series)
        assert label in LABELS[metric] | FROM_PROMETHEUS
        check_selectors(series)


@every_query
def test_replicas_are_one_before_anything_else(query: Query) -> None:
    """Every series of jobs and projects is first reduced to its maximum by project."""
    for found in re.finditer(r"(?<![\w:])llamacloud_[a-z_]+", query.expr):
        if found[0] == "llamacloud_exporter_build_info":
            continue
        around = open_calls(query.expr, found.start())
        assert any(
            re.search(r"\bmax by \(cluster, namespace, project\b[\w, ]*\)$", call)
            for call in around
        )


@every_query
def test_counters_are_only_read_as_they_rise(query: Query) -> None:
    """Counters appear as a rate, or as the difference of two samples one graph step apart."""
    promql = with_variables(query.expr)
    rises = re.sub(r"(\w+\{[^}]*\}) - \1 offset 1m >= 0", "", promql)
    for found in re.finditer(r"(?<![\w:])llamacloud_[a-z_]+", rises):
        if found[0] in COUNTERS or found[0].endswith("_bucket"):
            assert re.search(r"\b(rate|increase)$", open_calls(rises, found.start())[-1])
    assert {"1m", "1h", "7d"} >= set(re.findall(r"\[(\w+)\]", promql))


def test_texts_name_what_exists() -> None:
    """Descriptions name only metrics that exist."""
    described = " ".join(panel.get("description", "") for panel in BOARD["panels"])
    assert set() == names_in(described) - set(LABELS)
    assert {
        "__rate_interval",
        "__interval",
        "__range",
        "cluster",
        "namespace",
        "project",
        "job_type",
        "job_id",
    } == set().union(*(variables_in(query.expr) for query in queries()))


def open_calls(promql: str, position: int) -> list[str]:
    """Return what precedes each parenthesis that is open at a position."""
    calls: list[str] = []
    for index, character in enumerate(promql[:position]):
        if character == "(":
            calls.append(promql[:index].rstrip())
        elif character == ")":
            calls.pop()
    return calls
