"""Documented queries answer what they are asked, and nothing where there is nothing to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dashboard import reading as dashboard
from deployed import RULE_FILES, label_lists_in
from query_cases import CASES
from reference import queries
from series import NOW, STEP
from tools import promtool

if TYPE_CHECKING:
    from pathlib import Path

    from query_cases import Case


def test_every_query_has_cases() -> None:
    """At least two, which it answers differently."""
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
    """As Prometheus computes it."""
    file = tmp_path / "tests.yml"
    tests = [_as_promtool_reads_it(question, case) for case in CASES[question]]
    files = list(map(str, RULE_FILES)) if ":llamacloud" in queries()[question] else []
    whole = {"rule_files": files, "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(whole))
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr


def test_what_is_recorded_is_not_computed_otherwise() -> None:
    """One question has one text, in documentation and dashboard as in rules."""
    asked = [*queries().values(), *(query.expr for query in dashboard.queries())]
    for query in asked:
        assert "deriv(" not in query
        assert not re.search(r"llamacloud_batch_job_failed_items(\{|\b(?!:))", query), query


def test_clusters_and_namespaces_are_kept_apart() -> None:
    """In documentation and dashboard as in rules: by each grouping and join by project."""
    asked = [*queries().values(), *(query.expr for query in dashboard.queries())]
    lists = [labels for query in asked for labels in label_lists_in(query)]
    of_projects = [labels for labels in lists if "project" in labels]
    assert len(of_projects) > 50
    assert all(["cluster", "namespace"] == labels[:2] for labels in of_projects)
