"""The schema of the chart's values matches the values and the exporter's settings."""

from __future__ import annotations

from tests.docs.values_schema import SCHEMA, as_json, documented_values


def test_the_schema_is_up_to_date() -> None:
    """It has every value of the chart and every setting of the exporter."""
    assert as_json() == SCHEMA.read_text(), "Run `make tables`."


def test_every_value_is_explained() -> None:
    """The comment of each value is a sentence that the chart's README shows."""
    assert [] == [path for path, comment in documented_values() if not comment.endswith(".")]
