"""The schema of the chart's values follows the values and the exporter's settings."""

from __future__ import annotations

from tests.docs.values_schema import SCHEMA, as_json, documented_values


def test_the_schema_is_up_to_date() -> None:
    """A new value of the chart, or a new setting of the exporter, is in it."""
    assert as_json() == SCHEMA.read_text(), "Run `make tables`."


def test_every_value_is_explained() -> None:
    """The comment of each value is a sentence, which the chart's README shows."""
    assert [] == [path for path, comment in documented_values() if not comment.endswith(".")]
