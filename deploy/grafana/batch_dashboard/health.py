"""The exporter itself, and how reliable the other panels are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import statetimeline
from grafana_foundation_sdk.models.common import VisibilityMode

from batch_dashboard.colours import (
    BAD,
    GOOD,
    INDIFFERENT,
    POLL_RESULT,
    WARNING,
    by_thresholds,
    steps,
)
from batch_dashboard.panels import SOURCE, bars, lines, over_time
from batch_dashboard.queries import LISTING_AGE, OF_CLUSTERS, OF_PROJECTS, PROJECT, rate_of, rise_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.builders import timeseries

_OF_EXPORTERS = "and on (cluster, namespace, job, instance) llamacloud_exporter_build_info"
_GENERATION = f"{PROJECT}, api_version"
_OFFERED = (
    f"max by ({_GENERATION}) (llamacloud_exporter_api_offered{{{OF_PROJECTS}}})"
    f" and on ({_GENERATION}) max by ({_GENERATION})"
    f" (llamacloud_exporter_api_last_answered_timestamp_seconds{{{OF_PROJECTS}}})"
)


def panels() -> Iterator[timeseries.Panel | statetimeline.Panel]:
    """Return three columns of graphs."""
    for panel in (
        _listed(),
        _freshness(),
        bars(_polls()),
        bars(_errors()),
        _requests(),
        bars(_answers()),
        _lacking(),
        _poll_duration(),
        _memory(),
    ):
        yield panel.height(7).span(8)


def _of_project(metric: str) -> str:
    return f"max by (cluster, namespace, project) ({metric}{{{OF_PROJECTS}}})"


def _listed() -> statetimeline.Panel:
    return (
        statetimeline.Panel()
        .title("Is each project listed?")
        .description(
            "The first line of a project is green while its jobs can be listed. The second is red"
            " while LlamaCloud refuses its key. There is one more for each generation of the API,"
            " red while it is set aside; a generation that never answered has no line."
        )
        .datasource(SOURCE)
        .with_target(
            over_time(_of_project("llamacloud_exporter_project_up"), "{{project}} listed", "A")
        )
        .with_target(
            over_time(
                _of_project("llamacloud_exporter_project_authenticated"), "{{project}} key", "B"
            )
        )
        .with_target(over_time(_OFFERED, "{{project}} {{api_version}}", "C"))
        .unit("bool_yes_no")
        .thresholds(steps(BAD, (1, GOOD)))
        .color_scheme(by_thresholds())
        .show_value(VisibilityMode.NEVER)
        .no_value("no data: is the exporter scraped?")
    )


def _freshness() -> timeseries.Panel:
    return lines(
        "Age of the listing",
        "Time since the last listing of each project. When it reaches the line 'stale', active jobs"
        " and gauges of the project are withdrawn: panels then show no data, rather than old data.",
        {
            "{{project}}": LISTING_AGE,
            "{{project}} stale": _of_project("llamacloud_exporter_stale_after_seconds"),
        },
        unit="s",
        limits={"stale": BAD},
    )


def _polls() -> timeseries.Panel:
    rise = rise_of(
        "llamacloud_exporter_polls_total", "cluster, namespace, project, result", OF_PROJECTS
    )
    return lines(
        "Polls by result",
        "Polls in each step of the graph. 'partial': all jobs were listed, but some could not be"
        " refreshed. 'error': the jobs could not be listed.",
        {"{{result}}": f"sum by (result) ({rise}) > 0"},
        unit="short",
        colours=POLL_RESULT,
    )


def _errors() -> timeseries.Panel:
    rise = rise_of(
        "llamacloud_exporter_poll_errors_total", "cluster, namespace, project, reason", OF_PROJECTS
    )
    return lines(
        "Poll errors by reason",
        "Why polls in each step of the graph were not successful; each reason counts once a poll."
        " The log lines project.listing_failed and job.refresh_failed have details.",
        {"{{project}} {{reason}}": f"sum by (cluster, namespace, project, reason) ({rise}) > 0"},
        unit="short",
        otherwise="no errors in this time, or no data",
    )


def _requests() -> timeseries.Panel:
    by = "cluster, namespace, project, endpoint, code"
    rate = rate_of("llamacloud_exporter_api_requests_total", by, OF_PROJECTS)
    allowed = _of_project("llamacloud_exporter_api_budget_requests_per_second")
    limit = _of_project("llamacloud_exporter_api_budget_limit_requests_per_second")
    return lines(
        "Requests against the budget",
        "Requests per minute to LlamaCloud. The line 'allowed' is what the exporter may send now,"
        " less after a 429. The line 'limit' is the configured budget. Projects that share a key"
        " share its budget.",
        {
            "{{project}}": f"60 * sum by (cluster, namespace, project) ({rate})",
            "{{project}} allowed": f"60 * {allowed}",
            "{{project}} limit": f"60 * {limit}",
        },
        unit="rpm",
        limits={"allowed": WARNING, "limit": INDIFFERENT},
    )


def _answers() -> timeseries.Panel:
    by = "cluster, namespace, project, endpoint, code"
    rise = rise_of("llamacloud_exporter_api_requests_total", by, OF_PROJECTS)
    return lines(
        "Answers from LlamaCloud",
        "Requests in each step of the graph, by endpoint and HTTP status, or 'timeout' and"
        " 'network' if there was no answer.",
        {"{{endpoint}} {{code}}": f"sum by (endpoint, code) ({rise}) > 0"},
        unit="short",
    )


def _lacking() -> timeseries.Panel:
    return lines(
        "Missing data",
        "'hidden': jobs above the cap, which have no series of their own. 'uncounted': jobs whose"
        " items are not all counted, including batches of v2 from before the start that were not"
        " read yet. 'cut off': 1 if the page limit ended a listing. If all are 0, nothing is"
        " missing.",
        {
            "{{project}} hidden": _of_project("llamacloud_exporter_hidden_jobs"),
            "{{project}} uncounted": _of_project("llamacloud_exporter_uncounted_jobs"),
            "{{project}} cut off": _of_project("llamacloud_exporter_listing_truncated"),
        },
        unit="short",
    )


def _poll_duration() -> timeseries.Panel:
    rate = rate_of(
        "llamacloud_exporter_poll_duration_seconds_bucket",
        "cluster, namespace, project, le",
        OF_PROJECTS,
    )
    return lines(
        "Duration of polls",
        "95th percentile of the time of a poll: its listing and all refreshes. It is an interval at"
        " most. If it is close to that, requests wait for the budget, or LlamaCloud is slow.",
        {
            "{{project}}": f"histogram_quantile(0.95, {rate}) >= 0",
            "{{project}} interval": _of_project("llamacloud_exporter_poll_interval_seconds"),
        },
        unit="s",
        limits={"interval": INDIFFERENT},
    )


def _memory() -> timeseries.Panel:
    return lines(
        "Memory of the exporter",
        "Resident memory of each exporter. It depends on the number of jobs, not of items.",
        {"{{instance}}": f"process_resident_memory_bytes{{{OF_CLUSTERS}}} {_OF_EXPORTERS}"},
        unit="bytes",
        otherwise="no data: is the exporter scraped?",
    )
