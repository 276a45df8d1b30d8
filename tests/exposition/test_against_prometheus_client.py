"""The exposition against prometheus_client: its renderer and its parsers."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as _parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.utils import floatToGoString

from exporter.domain import ProjectView
from exporter.exposition import FAMILIES, Form
from exporter.exposition.text import number
from tests.support.exposition_oracle import expected_exposition, rows_of
from tests.support.views import (
    empty_view,
    full_counters,
    full_gauges,
    full_job,
    full_view,
    join,
    rendered,
    sparse_job,
)

parse_openmetrics: Callable[[str], Iterable[Metric]] = _parse_openmetrics
go_float: Callable[[float], str] = floatToGoString
PARSERS: dict[Form, Callable[[str], Iterable[Metric]]] = {
    Form.TEXT: parse_text,
    Form.OPENMETRICS: lambda text: parse_openmetrics(text + "# EOF\n"),
}
HOSTILE = [
    '"',
    "\\",
    "\n",
    "\r\n",
    "\\n",
    'a"} 1\n# EOF\n',
    "\N{PILE OF POO}\N{ZERO WIDTH JOINER}",
    "\x00\x85\u2028",
    "LABELS",
    "x" * 10_000,
    "",
]
# Parsers written in Python take their time, and a busy machine takes more.
unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
text = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"])))
numbers = st.one_of(
    st.none(),
    st.integers(0, 10**18),
    st.floats(0, 1e18),
)


def _exposition(views: Iterable[ProjectView], form: Form) -> bytes:
    return join([rendered(view) for view in views], form)


@st.composite
def _views(draw: st.DrawFn) -> list[ProjectView]:
    names = draw(st.lists(text, min_size=1, max_size=3, unique=True))
    return [draw(_view(name)) for name in names]


@st.composite
def _view(draw: st.DrawFn, project: str) -> ProjectView:
    jobs = tuple(
        replace(
            draw(st.sampled_from([sparse_job(), full_job()])),
            job_id=job_id,
            directory_id=draw(text),
            configuration_id=draw(text),
            progress_ratio=draw(numbers),
            created_at=draw(numbers),
        )
        for job_id in draw(st.lists(text, max_size=3, unique=True))
    )
    gauges = replace(
        full_gauges(), project_id=draw(text), organization_id=draw(text), active_items=None
    )
    return replace(
        empty_view(project),
        counters=draw(st.sampled_from([empty_view().counters, full_counters()])),
        gauges=draw(st.sampled_from([None, gauges, full_gauges()])),
        jobs=jobs,
    )


def test_the_oracle_knows_every_family() -> None:
    """The other tests compare with ``tests/support/exposition_oracle.py``."""
    families, known = {f.name for f in FAMILIES}, {name for name, *_ in rows_of(full_view())}
    assert families - known == set(), "add these to tests/support/exposition_oracle.py"


@pytest.mark.parametrize("form", Form)
def test_every_family_is_rendered_as_prometheus_client_renders_it(form: Form) -> None:
    """With everything known, all families of the table are there, byte for byte."""
    views = [full_view("b"), full_view("a"), empty_view("c")]

    exposition = _exposition(views, form)

    assert exposition == expected_exposition(views, form)
    assert all(f"# HELP {f.name.removesuffix('_total')}".encode() in exposition for f in FAMILIES)


@pytest.mark.parametrize("form", Form)
@unhurried
@given(views=_views())
def test_hostile_strings_are_rendered_as_prometheus_client_renders_them(
    form: Form, views: list[ProjectView]
) -> None:
    """Whatever stands in a name or an id, the bytes are prometheus_client's."""
    assert _exposition(views, form) == expected_exposition(views, form)


def _samples(families: Iterable[Metric]) -> list[tuple[str, frozenset[tuple[str, str]], float]]:
    return [
        (sample.name, frozenset(sample.labels.items()), sample.value)
        for family in families
        for sample in family.samples
    ]


@unhurried
@given(
    st.one_of(st.integers(-(10**12), 10**18), st.floats(), st.floats(-1e11, 1e11), st.booleans())
)
@example(1_790_000_000.0)
@example(1_000_000_000.0)
@example(9_999_999_999.999998)
@example(-123_456_789.5)
@example(999_999)
@example(1_000_000)
def test_a_number_is_rendered_as_prometheus_client_renders_it(value: float) -> None:
    """Also by the faster code for counts and times."""
    assert number(value) == go_float(value)


@unhurried
@given(views=_views())
def test_both_forms_are_read_back_as_the_same_samples(views: list[ProjectView]) -> None:
    """The text parser and the strict OpenMetrics parser agree on what was said."""
    read = {
        form: _samples(parse(_exposition(views, form).decode())) for form, parse in PARSERS.items()
    }

    assert read[Form.TEXT] == read[Form.OPENMETRICS]


@pytest.mark.parametrize("hostile", [value for value in HOSTILE if value])
def test_a_hostile_label_value_is_read_back_as_it_was(hostile: str) -> None:
    """Escaping loses nothing."""
    job = full_job(job_id=hostile, directory_id=hostile)
    view = replace(empty_view(hostile), jobs=(job,))
    expected = {"directory_id": hostile, "job_id": hostile, "project": hostile}
    expected |= {"api_version": "v1beta", "configuration_id": ""}

    for form, parse in PARSERS.items():
        info, *_ = parse(_exposition([view], form).decode())
        assert info.samples[0].labels == {**expected, "job_type": "extract"}


@pytest.mark.parametrize("form", Form)
def test_lone_surrogates_become_text_that_keeps_jobs_apart(form: Form) -> None:
    """UTF-8 cannot carry them, and two ids must not become one series."""
    jobs = (sparse_job("\ud800"), sparse_job("\udfff"))
    view = replace(empty_view("\udc80"), jobs=jobs)

    info, *_ = PARSERS[form](_exposition([view], form).decode())

    labels = [(sample.labels["project"], sample.labels["job_id"]) for sample in info.samples]
    assert labels == [("\\udc80", "\\ud800"), ("\\udc80", "\\udfff")]
