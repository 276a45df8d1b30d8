"""The metrics of a job in openapi.yaml are those of the code."""

from __future__ import annotations

import re

from tests.docs.openapi_gauges import OPENAPI, with_gauges


def test_the_metrics_of_a_job_are_up_to_date() -> None:
    """Each gauge of a job is a property, with the same help."""
    assert with_gauges(OPENAPI.read_text()) == OPENAPI.read_text(), "Run `make tables`."


def test_writing_the_metrics_changes_nothing_else() -> None:
    """They are written where they were, and nowhere else."""
    whole = OPENAPI.read_text()
    without = re.sub(r"(<!-- gauges -->\n).*?( *# <!-- end -->)", r"\1\2", whole, flags=re.DOTALL)
    assert without != whole
    assert with_gauges(without) == whole
