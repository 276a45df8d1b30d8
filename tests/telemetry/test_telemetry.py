"""The exporter's own metrics, read from their registry."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from exporter.app.polled_project import ENDPOINTS_OF
from exporter.core.events import JobGivenUp, ListingFailed, ListingSucceeded, PollFinished
from exporter.domain import ApiStatus, ErrorReason, Failure, ProjectView
from exporter.exposition import Form
from exporter.telemetry import ProjectTelemetry, Telemetry, render
from tests.support.history import job
from tests.support.views import REFUSED, empty_view, full_view

PREFIX = "llamacloud_exporter_"
LISTED = ListingSucceeded(jobs=3, active_jobs=1, is_first=False, recovered=False)
# By what is known of the key when a listing failed.
_FAILED = {
    authenticated: ListingFailed(
        Failure(ErrorReason.NETWORK, "HTTP", "do this"),
        is_new=False,
        is_authenticated=authenticated,
    )
    for authenticated in (True, False, None)
}


@pytest.fixture
def project(telemetry: Telemetry) -> ProjectTelemetry:
    """Start the series of a project named ``p``."""
    return telemetry.project("p")


def view_of(answered: Collection[str], *, set_aside: Collection[str] = ()) -> ProjectView:
    """Return a view of a project that is read by both generations of the API."""
    apis = (
        ApiStatus(
            version,
            last_answered_at=5.0 if version in answered else None,
            set_aside_for=REFUSED if version in set_aside else None,
        )
        for version in ("v1beta", "v2")
    )
    return replace(empty_view("p"), apis=tuple(apis))


def _value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(PREFIX + name, {"project": "p", **labels})


def _series(registry: CollectorRegistry, name: str, label: str) -> dict[str, float]:
    samples = [s for family in registry.collect() for s in family.samples]
    return {s.labels[label]: s.value for s in samples if s.name == PREFIX + name}


@pytest.mark.usefixtures("project")
def test_counters_start_at_zero_for_the_known_label_values(registry: CollectorRegistry) -> None:
    """Rates and alerts work from the first event on."""
    reasons = {
        *("unauthorized", "payment_required", "forbidden", "not_found", "rate_limited"),
        *("timeout", "network", "server", "bad_response", "no_key", "other"),
    }
    assert _series(registry, "polls_total", "result") == {"success": 0, "partial": 0, "error": 0}
    assert _series(registry, "poll_errors_total", "reason") == dict.fromkeys(reasons, 0)
    assert _value(registry, "poll_duration_seconds_count") == 0
    assert _value(registry, "api_budget_wait_seconds_total") == 0
    assert _value(registry, "jobs_given_up_total") == 0


def test_requests_start_at_zero_once_a_generation_answered(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """Those of its own endpoints alone: what LlamaCloud does not offer has no series."""
    seen = []
    for answered in (set[str](), {"v1beta"}, {"v1beta", "v2"}):
        project.published(view_of(answered))
        seen.append(
            {
                name: _series(registry, name, "endpoint")
                for name in (
                    "api_requests_total",
                    "api_retries_total",
                    "unreadable_rows_total",
                )
            }
        )

    of_v1beta = ["list_jobs", "job_status", "list_items"]
    of_v2 = ["list_batches", "batch", "list_parse_jobs", "list_extract_jobs"]
    for number, endpoints in enumerate([[], of_v1beta, [*of_v1beta, *of_v2]]):
        assert seen[number] == dict.fromkeys(seen[number], dict.fromkeys(endpoints, 0))
    assert _series(registry, "api_requests_total", "code") == {"200": 0, "429": 0}
    assert {} == _series(registry, "api_request_duration_seconds_count", "endpoint")
    assert {"v1beta": (*of_v1beta,), "v2": (*of_v2,)} == ENDPOINTS_OF


def test_what_was_counted_of_requests_stays_when_a_generation_answers(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """One that refuses from the start has the series of its refusals alone."""
    project.request_finished("list_batches", "404", 0.1)
    project.published(view_of({"v1beta"}, set_aside={"v2"}))

    assert _value(registry, "api_requests_total", endpoint="list_batches", code="404") == 1
    assert _value(registry, "api_requests_total", endpoint="list_batches", code="200") is None
    assert _value(registry, "api_requests_total", endpoint="batch", code="200") is None

    project.published(view_of({"v1beta", "v2"}))

    assert _value(registry, "api_requests_total", endpoint="list_batches", code="404") == 1
    assert _value(registry, "api_requests_total", endpoint="list_batches", code="200") == 0


def test_it_shows_which_generations_are_offered_and_when_they_answered(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """Nothing before anything is known; one that is set aside keeps its last answer."""
    seen = []
    for view in (view_of(set()), view_of({"v1beta"}, set_aside={"v2"}), full_view("p")):
        project.published(view)
        names = ("api_offered", "api_last_answered_timestamp_seconds")
        seen.append(tuple(_series(registry, name, "api_version") for name in names))

    assert seen == [
        ({}, {}),
        ({"v1beta": 1, "v2": 0}, {"v1beta": 5.0}),
        ({"v1beta": 1, "v2": 0}, {"v1beta": 1_790_000_600, "v2": 1_790_000_300}),
    ]


@pytest.mark.usefixtures("project")
def test_a_project_starts_with_what_is_configured_and_down(registry: CollectorRegistry) -> None:
    """What alerts are written in is there before the first poll."""
    assert _value(registry, "project_up") == 0
    assert _value(registry, "poll_interval_seconds") == 30
    assert _value(registry, "stale_after_seconds") == 300
    assert _value(registry, "api_budget_limit_requests_per_second") == 0.25


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "name",
    [
        "project_authenticated",
        "last_listing_timestamp_seconds",
        "listing_truncated",
        "tracked_jobs",
        "hidden_jobs",
        "uncounted_jobs",
        "counting_since_timestamp_seconds",
    ],
)
def test_what_is_not_known_at_first_is_absent(registry: CollectorRegistry, name: str) -> None:
    """An unknown value has no series."""
    assert _value(registry, name) is None


def test_authentication_is_what_is_known_of_the_key(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """A failed listing carries it; while nothing is known there is no series."""
    seen = []
    for event in (_FAILED[True], _FAILED[False], _FAILED[None], LISTED):
        project.count(event)
        seen.append(_value(registry, "project_authenticated"))

    assert seen == [1, 0, None, 1]


def test_a_project_is_up_while_its_listings_succeed(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """The last listing decides."""
    seen = []
    for up in (True, False):
        project.count(LISTED if up else _FAILED[True])
        seen.append(_value(registry, "project_up"))

    assert seen == [1, 0]


def test_requests_are_counted_and_timed_separately(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """By endpoint and code; an unusual code appears when it is first seen."""
    project.published(view_of({"v1beta"}))
    project.request_finished("list_jobs", "200", 0.2)
    project.request_finished("list_jobs", "418", 61)
    project.request_retried("list_jobs")
    project.budget_waited(1.5)
    project.budget_waited(0.25)
    project.rows_left_out("list_items", 1)
    project.fields_left_out("list_jobs", "created_at", 2)

    assert _value(registry, "api_requests_total", endpoint="list_jobs", code="200") == 1
    assert _value(registry, "api_requests_total", endpoint="list_jobs", code="418") == 1
    assert _value(registry, "api_requests_total", endpoint="list_items", code="200") == 0
    durations = "api_request_duration_seconds"
    assert _value(registry, f"{durations}_bucket", endpoint="list_jobs", le="30.0") == 1
    assert {"list_jobs": 2} == _series(registry, f"{durations}_count", "endpoint")
    assert _value(registry, f"{durations}_sum", endpoint="list_jobs") == 61.2
    assert _value(registry, "api_retries_total", endpoint="list_jobs") == 1
    assert _value(registry, "api_budget_wait_seconds_total") == 1.75
    assert _value(registry, "unreadable_rows_total", endpoint="list_items") == 1
    assert _value(registry, "unreadable_rows_total", endpoint="list_jobs") == 0
    fields = "unreadable_fields_total"
    assert _value(registry, fields, endpoint="list_jobs", field="created_at") == 2


def test_a_reason_counts_once_a_poll(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """However many requests failed for it."""
    reasons = frozenset({ErrorReason.SERVER, ErrorReason.TIMEOUT})
    project.count(PollFinished("partial", reasons, 12.0))

    assert _value(registry, "polls_total", result="partial") == 1
    assert _value(registry, "poll_errors_total", reason="server") == 1
    assert _value(registry, "poll_errors_total", reason="timeout") == 1
    assert _value(registry, "poll_errors_total", reason="network") == 0
    assert _value(registry, "poll_duration_seconds_bucket", le="10.0") == 0
    assert _value(registry, "poll_duration_seconds_bucket", le="30.0") == 1


def test_jobs_whose_items_are_given_up_are_counted(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """Each by itself: what was never counted is missing from the counters."""
    for job_id in ("a", "b"):
        project.count(JobGivenUp(job(job_id), None))

    assert _value(registry, "jobs_given_up_total") == 2


def test_a_published_view_shows_how_complete_it_is(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """Ages and gaps are those of the view."""
    project.published(full_view("p"))

    assert _value(registry, "last_listing_timestamp_seconds") == 1_790_000_600
    assert _value(registry, "listing_truncated") == 0
    assert _value(registry, "tracked_jobs") == 3
    assert _value(registry, "hidden_jobs") == 1
    assert _value(registry, "uncounted_jobs") == 1
    assert _value(registry, "counting_since_timestamp_seconds") == 1_790_000_000


def test_what_a_view_no_longer_says_is_withdrawn(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """A stale project's uncounted jobs, for example, are not kept from an earlier view."""
    project.published(full_view("p"))

    project.published(replace(empty_view("p"), last_listing_at=5.0))

    assert _value(registry, "last_listing_timestamp_seconds") == 5
    assert _value(registry, "listing_truncated") is None
    assert _value(registry, "uncounted_jobs") is None
    assert _value(registry, "tracked_jobs") == 0


def test_the_budget_shows_its_limit_and_its_rate(
    registry: CollectorRegistry, project: ProjectTelemetry
) -> None:
    """The rate is the one of the moment of the scrape."""
    rates = [0.125, 0.25]
    project.budget_read_by(rates.pop)
    assert _value(registry, "api_budget_requests_per_second") == 0.25
    assert _value(registry, "api_budget_requests_per_second") == 0.125
    assert _value(registry, "api_budget_limit_requests_per_second") == 0.25


@pytest.mark.parametrize(("revision", "shown"), [("abc123", "abc123"), ("", "unknown")])
def test_build_info_says_what_runs(
    registry: CollectorRegistry, telemetry: Telemetry, revision: str, shown: str
) -> None:
    """A build that does not know its revision says so."""
    telemetry.build_info("1.2.3", revision, "3.11.9")

    labels = {"version": "1.2.3", "revision": shown, "python_version": "3.11.9"}
    assert registry.get_sample_value(f"{PREFIX}build_info", labels) == 1


def test_a_failed_reading_of_the_settings_keeps_the_time_of_the_last_good_one(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """The time says how old the settings in force are."""
    telemetry.config_loaded(successful=True, at=100.0)
    telemetry.config_loaded(successful=False, at=200.0)

    name = f"{PREFIX}config_last_reload_success"
    assert registry.get_sample_value(f"{name}ful") == 0
    assert registry.get_sample_value(f"{name}_timestamp_seconds") == 100


def test_either_refused_file_shows_until_it_is_mended(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """Mending one does not hide the other."""
    shown = []
    for settings, web_config in [(None, True), (None, False), (True, None), (False, True)]:
        if settings is not None:
            telemetry.config_loaded(successful=settings, at=100.0)
        if web_config is not None:
            telemetry.web_config_loaded(successful=web_config, at=200.0)
        shown.append(registry.get_sample_value(f"{PREFIX}config_last_reload_successful"))

    assert [1, 0, 0, 0] == shown
    telemetry.config_loaded(successful=True, at=300.0)
    assert 1 == registry.get_sample_value(f"{PREFIX}config_last_reload_successful")


def test_dropped_log_records_are_counted_since_the_start(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """The counter starts at zero, and is set to the total before each scrape."""
    name = f"{PREFIX}log_records_dropped_total"
    assert registry.get_sample_value(name) == 0
    for dropped in (3, 3, 10):
        telemetry.log_records_dropped(dropped)
        assert registry.get_sample_value(name) == dropped


def own_series(registry: CollectorRegistry) -> set[bytes]:
    """Return the series of the exporter's own metrics."""
    lines = render(registry, Form.TEXT).splitlines()
    return {line.rpartition(b" ")[0] for line in lines if line.startswith(PREFIX.encode())}


def test_a_project_that_is_removed_leaves_no_series(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """Those of others stay, and the project may come back from zero."""
    telemetry.project("other")
    before = own_series(registry)
    project = telemetry.project("gone")
    project.published(full_view("gone"))
    project.budget_read_by(lambda: 1.0)
    project.request_finished("list_jobs", "200", 0.1)
    project.request_retried("list_jobs")
    project.rows_left_out("list_jobs", 1)
    project.fields_left_out("list_jobs", "status", 1)
    project.count(PollFinished("partial", frozenset({ErrorReason.TIMEOUT}), 1.0))
    assert before < own_series(registry)
    telemetry.remove("gone")
    assert before == own_series(registry)
    telemetry.project("gone")
    polls = {"project": "gone", "result": "partial"}
    assert 0.0 == registry.get_sample_value(f"{PREFIX}polls_total", polls)


def test_other_settings_are_shown_for_all_projects(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """For those that come later as well."""
    telemetry.project("one")
    telemetry.configure({"poll_interval_seconds": 7.0})
    telemetry.project("two")
    for project in ("one", "two"):
        labels = {"project": project}
        assert 7.0 == registry.get_sample_value(f"{PREFIX}poll_interval_seconds", labels)


def test_a_generation_that_is_no_longer_read_has_no_gauges(
    registry: CollectorRegistry, telemetry: Telemetry
) -> None:
    """It is neither offered nor set aside."""
    project = telemetry.project("one")
    view = full_view("one")
    refused = ApiStatus("v2", last_answered_at=1.0, set_aside_for=REFUSED)
    project.published(replace(view, apis=(ApiStatus("v1beta", 1.0), refused)))
    project.published(replace(view, apis=(ApiStatus("v2", 1.0),)))
    for name in ("api_offered", "api_last_answered_timestamp_seconds"):
        shown = [
            registry.get_sample_value(f"{PREFIX}{name}", {"project": "one", "api_version": version})
            for version in ("v1beta", "v2")
        ]
        assert [None, 1.0] == shown
