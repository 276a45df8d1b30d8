"""The own metrics of one project."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.core.events import JobGivenUp, ListingFailed, ListingSucceeded, PollFinished
from exporter.telemetry.last_minute import LastMinute
from exporter.telemetry.metrics import short_name
from exporter.telemetry.project_families import OWN_PROJECT_FAMILIES
from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.core.events import Event
    from exporter.domain import ApiStatus, ProjectView
    from exporter.telemetry.metrics import Metrics

# Other codes are rare: their series start when they occur.
USUAL_CODES = ("200", "429")


class ProjectTelemetry:
    """Sets the own metrics of one project.

    Counters and histograms start at zero for the label values that are known beforehand. The
    counters of requests to a generation of the API start with its first answer. The durations of
    requests have many series: they start with the first request.
    """

    def __init__(
        self,
        metrics: Metrics,
        project: str,
        configured: Mapping[str, float],
        endpoints_of: Mapping[str, Sequence[str]],
    ) -> None:
        self._metrics = metrics
        self._endpoints_of = endpoints_of
        self._answered: set[str] = set()
        self._project = well_formed(project)
        self._apis: set[str] = set()
        self._lately = LastMinute(time.monotonic)
        self.configure(configured)
        # Before the first listing the project is not up, and its key is not known to be accepted.
        self._show("project_up", value=False)
        self._start_series()

    def configure(self, configured: Mapping[str, float]) -> None:
        """Show settings by their gauges."""
        for gauge, value in configured.items():
            self._show(gauge, value)

    def remove(self) -> None:
        """Remove the series of the project."""
        self._metrics.remove(self._project)

    def request_finished(self, endpoint: str, code: str, seconds: float) -> None:
        """Count one request; ``code`` is its HTTP status, ``timeout`` or ``network``."""
        self._lately.add()
        self._add("api_requests_total", endpoint, code)
        self._observe("api_request_duration_seconds", seconds, endpoint)

    def requests_in_last_minute(self) -> int:
        """Return how many requests ended within the last minute."""
        return self._lately.count()

    def request_retried(self, endpoint: str) -> None:
        """Count one request as a retry."""
        self._add("api_retries_total", endpoint)

    def budget_waited(self, seconds: float) -> None:
        """Add the time that one request waited for the budget."""
        self._add("api_budget_wait_seconds_total", number=seconds)

    def rows_left_out(self, endpoint: str, number: int) -> None:
        """Count rows that could not be read."""
        self._add("unreadable_rows_total", endpoint, number=number)

    def fields_left_out(self, endpoint: str, field: str, number: int) -> None:
        """Count fields of one name that could not be read; their series starts then."""
        self._add("unreadable_fields_total", endpoint, field, number=number)

    def count(self, event: Event) -> None:
        """Set the metrics that an event changes."""
        match event:
            case ListingSucceeded():
                self._show("project_up", value=True)
                self._show("project_authenticated", value=True)
            case ListingFailed(is_authenticated=is_authenticated):
                self._show("project_up", value=False)
                self._show("project_authenticated", is_authenticated)
            case PollFinished():
                self._poll_finished(event)
            case JobGivenUp():
                self._add("jobs_given_up_total")

    def published(self, view: ProjectView) -> None:
        """Show how complete and how fresh the published ``view`` is."""
        for family in OWN_PROJECT_FAMILIES:
            if family.attribute:
                self._show(short_name(family), getattr(view, family.attribute))
        for api in view.apis:
            self._show_api(api)
        apis = {api.api_version for api in view.apis}
        for api_version in self._apis - apis:
            self._show("api_offered", None, api_version)
            self._show("api_last_answered_timestamp_seconds", None, api_version)
        self._apis = apis

    def budget_read_by(self, requests_per_second: Callable[[], float]) -> None:
        """Show the current rate limit of the project's key, as returned at each scrape."""
        gauge = self._metrics.gauges["api_budget_requests_per_second"]
        gauge.labels(self._project).set_function(requests_per_second)

    def _poll_finished(self, poll: PollFinished) -> None:
        self._add("polls_total", poll.result)
        for reason in poll.reasons:
            self._add("poll_errors_total", str(reason))
        self._observe("poll_duration_seconds", poll.seconds)

    def _show_api(self, api: ApiStatus) -> None:
        self._show("api_offered", api.is_offered, api.api_version)
        self._show("api_last_answered_timestamp_seconds", api.last_answered_at, api.api_version)
        if api.last_answered_at is not None and api.api_version not in self._answered:
            self._answered.add(api.api_version)
            self._start_endpoints(self._endpoints_of[api.api_version])

    def _show(self, gauge: str, value: float | None, *labels: str) -> None:
        if value is None:
            self._metrics.gauges[gauge].remove(self._project, *labels)
        else:
            self._metrics.gauges[gauge].labels(self._project, *labels).set(value)

    def _add(self, counter: str, *labels: str, number: float = 1) -> None:
        self._metrics.counters[counter].labels(self._project, *labels).inc(number)

    def _observe(self, histogram: str, seconds: float, *labels: str) -> None:
        self._metrics.histograms[histogram].labels(self._project, *labels).observe(seconds)

    def _start_series(self) -> None:
        for family in OWN_PROJECT_FAMILIES:
            for value in family.starts_with:
                self._add(short_name(family), value, number=0)
        for name in ("api_budget_wait_seconds_total", "jobs_given_up_total"):
            self._add(name, number=0)
        self._metrics.histograms["poll_duration_seconds"].labels(self._project)

    def _start_endpoints(self, endpoints: Sequence[str]) -> None:
        for endpoint in endpoints:
            for code in USUAL_CODES:
                self._add("api_requests_total", endpoint, code, number=0)
            self._add("api_retries_total", endpoint, number=0)
            self._add("unreadable_rows_total", endpoint, number=0)
