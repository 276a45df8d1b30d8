"""Documented queries answer their questions, and return nothing if there is nothing to report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.query_cases import CASES
from tests.support import dashboard_queries as dashboard
from tests.support.deployed import alerts, label_lists_in, needed_by, records, runbook_queries
from tests.support.reference import queries
from tests.support.rule_series import NOW, STEP
from tests.support.tools import promtool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.query_cases import Case


def test_every_query_has_cases() -> None:
    """Each has at least two, with different answers."""
    assert list(queries()) == list(CASES)
    for question, (first, *others) in CASES.items():
        assert any(first.answers != other.answers for other in others), question


def _as_promtool_reads_it(question: str, case: Case) -> dict[str, Any]:
    samples = [{"labels": labels, "value": value} for labels, value in case.answers.items()]
    return {
        "interval": f"{STEP}s",
        "name": question,
        "input_series": [{"series": name, "values": v} for name, v in case.series.items()],
        "promql_expr_test": [
            {"expr": queries()[question], "eval_time": f"{NOW}s", "exp_samples": samples}
        ],
    }


@pytest.mark.parametrize("question", CASES)
def test_a_query_answers_its_question(question: str, tmp_path: Path) -> None:
    """The answer is what Prometheus computes."""
    query = queries()[question]
    tests = [_as_promtool_reads_it(question, case) for case in CASES[question]]
    groups = [{"name": "recorded", "rules": needed_by(query, records())}]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump(whole))
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr


# Questions that an alert answers, and the alert.
ANSWERED_BY_ALERTS = {
    "Does LlamaCloud refuse requests because of its rate limit?": "LlamaCloudExporterRateLimited",
    "Is the request budget too small?": "LlamaCloudExporterBudgetTooSmall",
}
# Series that only rules read, to decide which jobs are active, old, stuck or queued.
RECORDED_ONLY = (
    "llamacloud_batch_job_last_refreshed_timestamp_seconds",
    "llamacloud_batch_job_last_progress_timestamp_seconds",
)


def _in_one_line(query: str) -> str:
    return " ".join(query.split()).replace("( ", "(").replace(" )", ")")


@pytest.mark.parametrize(("question", "name"), ANSWERED_BY_ALERTS.items())
def test_a_question_of_an_alert_has_its_text(question: str, name: str) -> None:
    """The result is the jobs and projects that the alert reports."""
    (alert,) = (alert for alert in alerts() if name == alert["alert"])
    assert _in_one_line(alert["expr"]) == queries()[question]


def test_what_is_recorded_is_not_computed_otherwise() -> None:
    """Documentation, runbooks and dashboard use the recorded series, as rules do."""
    documented = [*queries().values(), *(query.expr for query in dashboard.queries())]
    for query in (*documented, *runbook_queries()):
        assert "deriv(" not in query
        assert not _reads(query, *RECORDED_ONLY), query
    # Runbooks compare reported numbers with counted ones.
    assert not any(_reads(query, "llamacloud_batch_job_failed_items") for query in documented)
    texts = {_in_one_line(rule["expr"]) for rule in records()}
    assert set() == texts & set(map(_in_one_line, documented))


def _reads(query: str, *names: str) -> bool:
    return bool(re.search(rf"(?<![\w:])({'|'.join(names)})(?![\w:])", query))


def test_replicas_are_one_before_they_are_summed() -> None:
    """In documentation as in rules, several exporters of a project do not count twice."""
    summed = [query for query in queries().values() if re.search(r"\b(sum|quantile)\b", query)]
    for query in queries().values():
        for aggregated in re.findall(r"\b(\w+) by \([^)]*\) \((?:\w+\()?llamacloud", query):
            assert "max" == aggregated, query
    assert summed


def test_clusters_and_namespaces_are_kept_apart() -> None:
    """In documentation and dashboard as in rules, each grouping and join by project keeps both."""
    documented = [*queries().values(), *(query.expr for query in dashboard.queries())]
    lists = [labels for query in documented for labels in label_lists_in(query)]
    of_projects = [labels for labels in lists if "project" in labels]
    assert len(of_projects) > 50
    assert all(["cluster", "namespace"] == labels[:2] for labels in of_projects)
