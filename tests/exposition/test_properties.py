"""Whatever a view says is what Prometheus's parsers read, in both forms."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

import pytest
from hypothesis import given, settings
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as _parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.domain import Histogram, ProjectView
from exporter.exposition import Form
from exporter.texts import well_formed
from tests.exposition.strategies import several_views
from tests.support.exposition_oracle import expected_exposition, go_float, rows_of
from tests.support.properties import EFFORT, UNHURRIED
from tests.support.views import join, rendered

parse_openmetrics: Callable[[str], Iterable[Metric]] = _parse_openmetrics
PARSERS: dict[Form, Callable[[str], Iterable[Metric]]] = {
    Form.TEXT: parse_text,
    Form.OPENMETRICS: lambda text: parse_openmetrics(text + "# EOF\n"),
}
Sample = tuple[str, frozenset[tuple[str, str]], float]


def _sample(name: str, labels: dict[str, str], value: float) -> Sample:
    said = frozenset((label, well_formed(str(text))) for label, text in labels.items())
    return name, said, float(value)


def _said(view: ProjectView) -> Iterator[Sample]:
    for name, labels, value in rows_of(view):
        if isinstance(value, Histogram):
            yield from _said_of_histogram(name, labels, value)
        elif value is not None:
            yield _sample(name, labels, value)


def _said_of_histogram(name: str, labels: dict[str, str], histogram: Histogram) -> Iterator[Sample]:
    bounds = (*histogram.bounds, float("inf"))
    for bound, count in zip(bounds, accumulate(histogram.counts), strict=True):
        yield _sample(f"{name}_bucket", {**labels, "le": go_float(bound)}, count)
    yield _sample(f"{name}_count", labels, sum(histogram.counts))
    yield _sample(f"{name}_sum", labels, histogram.sum)


def _read(exposition: bytes, form: Form) -> Iterator[Sample]:
    for family in PARSERS[form](exposition.decode()):
        for sample in family.samples:
            assert (sample.timestamp, sample.exemplar) == (None, None)
            yield _sample(sample.name, sample.labels, sample.value)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("form", Form)
@settings(UNHURRIED, max_examples=50 * EFFORT)
@given(views=several_views)
def test_what_views_say_is_written_as_prometheus_client_writes_it(
    form: Form, views: list[ProjectView]
) -> None:
    """Byte for byte, whatever the views."""
    assert join([rendered(view) for view in views], form) == expected_exposition(views, form)


# It would hide what failed.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("form", Form)
@settings(UNHURRIED, max_examples=30 * EFFORT)
@given(views=several_views)
def test_what_views_say_is_what_parsers_read(form: Form, views: list[ProjectView]) -> None:
    """Each sample once, with its labels and value: nothing is lost, added or altered."""
    exposition = join([rendered(view) for view in views], form)

    assert Counter(sample for view in views for sample in _said(view)) == Counter(
        _read(exposition, form)
    )
