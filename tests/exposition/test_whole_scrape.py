"""A whole scrape: batch metrics and own metrics together, as Prometheus gets them."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as _parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.core.events import ListingSucceeded
from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.exposition import Form
from exporter.telemetry import FAMILIES, Telemetry, render
from tests.support.exposition_oracle import Ready
from tests.support.exposition_oracle import render as prometheus_client_renders
from tests.support.tools import check_metrics
from tests.support.views import full_job, full_view, join, rendered

parse_openmetrics: Callable[[str], Iterable[Metric]] = _parse_openmetrics
PREFIX = "llamacloud_exporter_"
HOSTILE = 'a"b\\c\nd\r\N{PILE OF POO}' + "x" * 10_000


def _exercise(telemetry: Telemetry, name: str) -> None:
    telemetry.build_info("1.2.3", "abc123", "3.11.9")
    telemetry.config_loaded(successful=True, at=100.0)
    project = telemetry.project(name)
    project.budget_read_by(lambda: 0.25)
    project.count(ListingSucceeded(jobs=3, active_jobs=1, is_first=True, recovered=False))
    project.published(full_view(name))
    project.request_finished("list_jobs", "200", 0.1)
    project.fields_left_out("list_jobs", "created_at", 1)


def test_the_exposition_is_that_of_the_table(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """Names, types, labels, HELP and order are those of the table, then come the process's."""
    _exercise(telemetry, "p")
    families = list(parse_text(render(registry, Form.TEXT).decode()))
    own = [family for family in families if family.name.startswith(PREFIX)]

    actual = [
        (
            family.name,
            family.type,
            family.documentation,
            set(family.samples[0].labels) - {"le"},
        )
        for family in own
    ]

    expected = [(f.name.removesuffix("_total"), f.type, f.help, set(f.labels)) for f in FAMILIES]
    assert actual == expected
    names = [family.name for family in families[len(own) :]]
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "python_info"} <= set(names)


@pytest.mark.parametrize("form", Form)
def test_own_metrics_are_rendered_as_prometheus_client_renders_them(
    registry: CollectorRegistry, telemetry: Telemetry, form: Form
) -> None:
    """Byte for byte, those of the process included, whatever a project is called."""
    for name in (HOSTILE, "p"):
        _exercise(telemetry, name)
    # What the process takes differs from one moment to the next.
    still = CollectorRegistry()
    still.register(Ready(registry.collect()))

    ours = render(still, form)

    assert ours.removesuffix(b"# EOF\n") == prometheus_client_renders(still, form)
    assert b"\nprocess_cpu_seconds_total " in ours


def test_no_created_series_and_one_eof(registry: CollectorRegistry, telemetry: Telemetry) -> None:
    """Neither form has ``_created`` series, and OpenMetrics ends as it must."""
    _exercise(telemetry, "p")
    text, openmetrics = (render(registry, form).decode() for form in Form)

    assert "_created" not in text + openmetrics
    assert "# EOF" not in text
    assert openmetrics.count("# EOF") == 1
    assert openmetrics.endswith("\n# EOF\n")


def _whole_scrape(registry: CollectorRegistry, telemetry: Telemetry, form: Form) -> bytes:
    for name in (HOSTILE, "p"):
        _exercise(telemetry, name)
    hostile = replace(full_view(HOSTILE), jobs=(full_job(HOSTILE, HOSTILE),))
    chunks = [rendered(view) for view in (full_view("p"), hostile)]
    return join(chunks, form) + render(registry, form)


def test_a_whole_scrape_passes_the_strict_openmetrics_parser(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """Batch metrics and own metrics together, with hostile names."""
    scrape = _whole_scrape(registry, telemetry, Form.OPENMETRICS)

    names = [family.name for family in parse_openmetrics(scrape.decode())]

    expected = [family.name.removesuffix("_total") for family in (*BATCH_FAMILIES, *FAMILIES)]
    assert names[: len(expected)] == expected


def test_promtool_says_nothing_of_a_whole_scrape(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """Prometheus's own linter is content with the text form."""
    check_metrics(_whole_scrape(registry, telemetry, Form.TEXT))


def test_a_project_has_one_name_in_both_kinds_of_metrics(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """Also where the name is not well-formed text."""
    telemetry.project("p\udc80")
    chunks = rendered(full_view("p\udc80"))

    name = b'project="p\\\\udc80"'
    assert name in join([chunks], Form.TEXT)
    assert name in render(registry, Form.TEXT)
