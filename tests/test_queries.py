"""The README's queries answer what they are asked, and nothing where there is nothing to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from query_cases import CASES
from readme import queries
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
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": tests}))
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr
