"""The tests of the alerts notice rules that are wrong, as promtool computes them."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.rules.cases import Rule, Tests, is_noticed, recorded_for, run_each, single_cases_of
from tests.support.deployed import alerts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALERTS = {alert["alert"]: alert for alert in alerts()}
ON_JOB = "on (cluster, namespace, project, job_id)"
ON_PROCESS = "on (cluster, namespace, job, instance)"


def never(rule: dict[str, Any]) -> None:
    rule["expr"] = f"({rule['expr']}) unless on () vector(1)"


def without_for(rule: dict[str, Any]) -> None:
    rule.pop("for", None)


def without_keep_firing_for(rule: dict[str, Any]) -> None:
    rule.pop("keep_firing_for", None)


def an_alert_for_each_replica(rule: dict[str, Any]) -> None:
    rule["expr"] = re.sub(
        r"\b(max|count|sum) by \(cluster\b", r"\1 by (instance, cluster", rule["expr"]
    )


def with_the_least_of_replicas(rule: dict[str, Any]) -> None:
    rule["expr"] = rule["expr"].replace("max by", "min by")


MUTATIONS = (
    never,
    without_for,
    without_keep_firing_for,
    an_alert_for_each_replica,
    with_the_least_of_replicas,
)
# Replicas share an organization and its credits; the last values of an exporter that is down are
# not used.
NO_DIFFERENCE = {
    ("LlamaCloudExporterOutOfCredits", with_the_least_of_replicas),
    ("LlamaCloudExporterAbsent", with_the_least_of_replicas),
    ("LlamaCloudExporterProjectNotServed", with_the_least_of_replicas),
    ("LlamaCloudExporterUnsteady", with_the_least_of_replicas),
}


# Parts of an expression, in one line, and replacements that make the alert miss something or
# fire without cause.
SLIPS = {
    "LlamaCloudBatchFailureRatioHigh": [
        (">= 0.1", ">= 0.34"),
        ("failed_items:max[15m]) >= 5", "failed_items:max[15m]) >= 4"),
        ("ratio[15m]", "ratio[2m]"),
        ("listing_timestamp_seconds:max[15m]", "listing_timestamp_seconds:max[1m]"),
    ],
    "LlamaCloudExporterStateNotWritten": [
        ("namespace, job, instance)", "namespace, job)"),
        ("namespace, job, instance)", "namespace, instance)"),
        ("== 0", ">= 0"),
    ],
    "LlamaCloudExporterApiSetAside": [
        (", project, api_version)", ", project)"),
        (", project, api_version)", ", api_version)"),
        ("and on", "or on"),
    ],
}


# The same for the records that an alert uses.
RECORDED_SLIPS = {
    "LlamaCloudBatchFailureRatioHigh": [
        ('job_items{item_status="completed"}', 'job_items{item_status="skipped"}'),
        (' or llamacloud_batch_job_items{item_status="failed"}', ""),
        ("llamacloud_batch_job_failed_items or ", ""),
        ('reason="not_mapped"', 'reason="none"'),
        ("failed_mapped_items:max >= 5", "failed_mapped_items:max >= 4"),
        ("job_total_items) > 0", "job_processed_items) > 0"),
        ('"all items"', '""'),
        (f"or {ON_JOB} max by", f"and {ON_JOB} max by"),
        (f"processed_items) + {ON_JOB}", f"processed_items) or {ON_JOB}"),
        ('api_version="v2"', 'api_version="v1beta"'),
    ],
    "LlamaCloudBatchItemsFailed": [
        (" or min_over_time", " and min_over_time"),
        ("< on (cluster", "> on (cluster"),
        ("min by", "max by"),
    ],
    "LlamaCloudBatchJobStuck": [
        ('status="dispatched"', 'status="running"'),
        ('status="running"', 'status="dispatched"'),
        ('item_status="processing"', 'item_status="skipped"'),
        ('item_status="pending"', 'item_status="completed"'),
        ("> 0", ">= 0"),
        ("total_items or", "last_progress_timestamp_seconds or"),
        ("llamacloud_batch_job_total_items or ", ""),
        (" or llamacloud_batch_job_items", ""),
    ],
    "LlamaCloudBatchJobQueuedTooLong": [
        ('status=~"pending|throttled"', 'status="pending"'),
        ('status=~"pending|throttled"', 'status="throttled"'),
        ('status="throttled"', 'status="pending"'),
        ('status="running"', 'status="dispatched"'),
        ("[1h]", "[10m]"),
        ("job_total_items", "job_status"),
        ("job_created_timestamp_seconds or ", ""),
        (" or llamacloud_batch_job_last_progress_timestamp_seconds", ""),
        ("< 3600", "< 600"),
        ('status="dispatched"', 'status="running"'),
        ('item_status="processing"', 'item_status="skipped"'),
        ('item_status="pending"', 'item_status="completed"'),
        ("> 0", ">= 0"),
        ("job_last_refreshed", "job_created"),
        ("last_progress_timestamp_seconds) > 3600", "last_progress_timestamp_seconds) > 1800"),
        (f"and {ON_JOB} ( time()", f"and {ON_JOB} ( 0 * time()"),
    ],
    "LlamaCloudExporterBudgetTooSmall": [
        ("unless on (cluster", "and on (cluster"),
        ('status="unknown"', 'status="running"'),
        ("|running|", "|"),
    ],
    "LlamaCloudExporterAbsent": [
        (" or last_over_time", " and last_over_time"),
        (f"unless {ON_PROCESS} max by", f"or {ON_PROCESS} -1 * max by"),
        ("unless on (cluster, namespace, project) max by", "or on (project) -1 * max by"),
        ("< 900", "< -1"),
        (f"unless {ON_PROCESS} up", ""),
    ],
    "LlamaCloudExporterProjectNotServed": [
        ("> time() - 86400", "> time() - 600"),
        ("> time() - 86400", "> time() - 100000"),
        ("< 900", "< 90"),
        ("abs(", "("),
    ],
    "LlamaCloudExporterApiSetAside": [
        ("> time() - 14 * 86400", "> time() - 7 * 86400"),
        ("> time() - 14 * 86400", ""),
    ],
}


def with_slips(name: str) -> Iterator[tuple[str, list[Rule]]]:
    """Return the rules of an alert with each of its slips applied."""
    recorded, alert = recorded_for(name), ALERTS[name]
    for right, wrong in SLIPS.get(name, ()):
        assert right in in_one_line(alert["expr"]), name
        yield f"{wrong} for {right}", [*recorded, slipped(alert, right, wrong)]
    for right, wrong in RECORDED_SLIPS.get(name, ()):
        wrongly = [slipped(rule, right, wrong) for rule in recorded]
        assert wrongly != [slipped(rule, "", "") for rule in recorded], right
        yield f"{wrong} for {right}", [*wrongly, alert]


def slipped(rule: Rule, right: str, wrong: str) -> Rule:
    """Return a rule whose expression has some text replaced."""
    return rule | {"expr": in_one_line(rule["expr"]).replace(right, wrong)}


def in_one_line(expression: str) -> str:
    return " ".join(expression.split())


def with_mutations(name: str) -> Iterator[tuple[str, list[Rule]]]:
    """Return the rules of an alert with each mutation that changes them."""
    right = [*recorded_for(name), ALERTS[name]]
    for mutation in MUTATIONS:
        wrong = deepcopy(right)
        for rule in wrong:
            mutation(rule)
        if wrong != right and (name, mutation) not in NO_DIFFERENCE:
            yield mutation.__name__, wrong


def unnoticed(mutants: dict[str, list[Rule]], cases: list[Tests], folder: Path) -> dict[str, str]:
    """Return what promtool prints about mutants that no case notices.

    Each mutant runs only until a case notices it.
    """
    printed: dict[str, str] = {}
    for case in cases:
        printed = run_each({name: (rules, case) for name, rules in mutants.items()}, folder)
        mutants = {name: rules for name, rules in mutants.items() if not is_noticed(printed[name])}
    return {name: printed[name] for name in mutants}


@pytest.mark.parametrize("alert", ALERTS)
def test_the_tests_notice_a_rule_that_is_wrong(alert: str, tmp_path: Path) -> None:
    """Wrong rules never fire, fire too early, end too soon, or count replicas twice."""
    mutants, slips = dict(with_mutations(alert)), dict(with_slips(alert))
    assert "never" in mutants
    cases = single_cases_of(alert)
    assert {} == unnoticed(mutants, cases, tmp_path)
    # Most slips are noticed by a later case that was added for them.
    assert {} == unnoticed(slips, cases[::-1], tmp_path)
