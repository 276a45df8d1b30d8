"""The own metrics of one project."""

from __future__ import annotations

import time
from itertools import product
from typing import TYPE_CHECKING

from exporter.core.events import JobGivenUp, ListingFailed, ListingSucceeded, PollFinished
from exporter.domain import ErrorReason
from exporter.telemetry.last_minute import LastMinute
from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.core.events import Event
    from exporter.domain import ApiView, ProjectView
    from exporter.telemetry.metrics import Metrics

POLL_RESULTS = ("success", "partial", "error")
POLL_ERROR_REASONS = tuple(map(str, ErrorReason))
# A request sees other codes seldom: their series start when they occur.
USUAL_CODES = ("200", "429")


class ProjectTelemetry:
    """Takes note of what happens to one project.

    Counters and histograms start at zero for the label values that are known beforehand; those of
    requests once the generation of the API answered that the endpoint belongs to. The durations of
    requests have many series, and start with the first request.
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
        # It is not up before the first listing, nor known to be authenticated.
        self._show("project_up", value=False)
        self._start_counters()

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
        requests = self._metrics.counters["api_requests_total"]
        requests.labels(self._project, endpoint, code).inc()
        durations = self._metrics.histograms["api_request_duration_seconds"]
        durations.labels(self._project, endpoint).observe(seconds)

    def requests_in_last_minute(self) -> int:
        """Return how many requests ended within the last minute."""
        return self._lately.count()

    def request_retried(self, endpoint: str) -> None:
        """Count one request as a retry."""
        self._metrics.counters["api_retries_total"].labels(self._project, endpoint).inc()

    def budget_waited(self, seconds: float) -> None:
        """Add the time that one request waited for the budget."""
        waits = self._metrics.counters["api_budget_wait_seconds_total"]
        waits.labels(self._project).inc(seconds)

    def rows_left_out(self, endpoint: str, number: int) -> None:
        """Count rows that could not be read."""
        rows = self._metrics.counters["unreadable_rows_total"]
        rows.labels(self._project, endpoint).inc(number)

    def fields_left_out(self, endpoint: str, field: str, number: int) -> None:
        """Count fields of one name that could not be read; their series begins then."""
        fields = self._metrics.counters["unreadable_fields_total"]
        fields.labels(self._project, endpoint, field).inc(number)

    def count(self, event: Event) -> None:
        """Show how a listing went, and count polls that are over and jobs that are given up."""
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
                self._metrics.counters["jobs_given_up_total"].labels(self._project).inc()

    def published(self, view: ProjectView) -> None:
        """Show how complete and how fresh the published ``view`` is."""
        self._show("last_listing_timestamp_seconds", view.last_listing_at)
        self._show("listing_truncated", view.listing_truncated)
        self._show("tracked_jobs", view.tracked_jobs)
        self._show("hidden_jobs", view.hidden_jobs)
        self._show("counting_since_timestamp_seconds", view.counting_since)
        self._show("uncounted_jobs", view.uncounted_jobs)
        for api in view.apis:
            self._show_api(api)
        apis = {api.api_version for api in view.apis}
        for api_version in self._apis - apis:
            self._show("api_offered", None, api_version)
            self._show("api_last_answered_timestamp_seconds", None, api_version)
        self._apis = apis

    def budget_read_by(self, requests_per_second: Callable[[], float]) -> None:
        """Show the rate that the project's key is allowed at the moment of each scrape."""
        gauge = self._metrics.gauges["api_budget_requests_per_second"]
        gauge.labels(self._project).set_function(requests_per_second)

    def _poll_finished(self, poll: PollFinished) -> None:
        self._metrics.counters["polls_total"].labels(self._project, poll.result).inc()
        for reason in poll.reasons:
            self._metrics.counters["poll_errors_total"].labels(self._project, str(reason)).inc()
        durations = self._metrics.histograms["poll_duration_seconds"]
        durations.labels(self._project).observe(poll.seconds)

    def _show_api(self, api: ApiView) -> None:
        answered = api.last_answered_at is not None
        # Before its first answer nobody knows whether LlamaCloud offers it, unless it refused.
        offered = api.is_offered if answered or not api.is_offered else None
        self._show("api_offered", offered, api.api_version)
        self._show("api_last_answered_timestamp_seconds", api.last_answered_at, api.api_version)
        if answered and api.api_version not in self._answered:
            self._answered.add(api.api_version)
            self._start_endpoints(self._endpoints_of[api.api_version])

    def _show(self, gauge: str, value: float | None, *labels: str) -> None:
        if value is None:
            self._metrics.gauges[gauge].remove(self._project, *labels)
        else:
            self._metrics.gauges[gauge].labels(self._project, *labels).set(value)

    def _start_counters(self) -> None:
        counters = self._metrics.counters
        for result in POLL_RESULTS:
            counters["polls_total"].labels(self._project, result)
        for reason in POLL_ERROR_REASONS:
            counters["poll_errors_total"].labels(self._project, reason)
        counters["api_budget_wait_seconds_total"].labels(self._project)
        counters["jobs_given_up_total"].labels(self._project)
        self._metrics.histograms["poll_duration_seconds"].labels(self._project)

    def _start_endpoints(self, endpoints: Sequence[str]) -> None:
        counters = self._metrics.counters
        for endpoint, code in product(endpoints, USUAL_CODES):
            counters["api_requests_total"].labels(self._project, endpoint, code)
        for endpoint in endpoints:
            counters["api_retries_total"].labels(self._project, endpoint)
            counters["unreadable_rows_total"].labels(self._project, endpoint)
