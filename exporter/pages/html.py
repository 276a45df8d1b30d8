"""The pages as HTML: templates, and the words and links in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from exporter.domain import JobStatus
from exporter.pages.facts import FactWriter
from exporter.pages.report import nothing_is_listed
from exporter.pages.selection import ACTIVE, FAILING, select
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from exporter.pages.report import ProjectReport, Source
    from exporter.pages.selection import Query, ReportedJob

_REFRESH_AT_LEAST_EVERY_SECONDS = 300.0
_REFRESH_AT_MOST_EVERY_SECONDS = 5.0
_SECONDS_PER_MINUTE = 60
_WHOLE_FROM = 10


def status_page(source: Source, reports: Sequence[ProjectReport], query: Query, tag: str) -> str:
    """Write the page of all projects and of the jobs that a query selects."""
    writer, selection = FactWriter(source.clean), select(reports, query, nearest_page=True)
    jobs = [writer.job(report, job) | {"failures": job.failures} for report, job in selection.jobs]
    return _render(
        "status.html",
        source,
        reports,
        tag,
        projects=[writer.project(report) for report in reports],
        nothing_listed=nothing_is_listed([report.status for report in reports]),
        jobs=jobs,
        query=query,
        selection=selection,
        statuses=[ACTIVE, FAILING, *JobStatus],
    )


def job_page(source: Source, reports: Sequence[ProjectReport], found: ReportedJob, tag: str) -> str:
    """Write the page of one job."""
    report, view = found
    job = FactWriter(source.clean).job(report, view) | {"failures": view.failures}
    # Jinja takes ``job.items`` for the method of that name.
    items = job.get("items")
    return _render("job.html", source, reports, tag, job=job, items_by_status=items, report=report)


def missing_job_page(source: Source, reports: Sequence[ProjectReport], tag: str) -> str:
    """Write the page of a job that is not tracked, or is no longer."""
    return _render("missing_job.html", source, reports, tag)


def _render(
    template: str, source: Source, reports: Sequence[ProjectReport], tag: str, **more: object
) -> str:
    seconds = min((r.status.interval for r in reports), default=_REFRESH_AT_LEAST_EVERY_SECONDS)
    page = _environment().get_template(template)
    return page.render(
        version=source.version,
        telemetry_path=source.telemetry_path,
        refresh_seconds=min(
            max(seconds, _REFRESH_AT_MOST_EVERY_SECONDS), _REFRESH_AT_LEAST_EVERY_SECONDS
        ),
        tag=tag,
        **more,
    )


@cache
def _environment() -> Environment:
    # Loaded with the first page: an exporter whose page nobody opens starts sooner and stays small.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("exporter.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "visible": lambda text: escaped(str(text)),
        "iso_time": _iso_time,
        "percent": lambda ratio: f"{100 * ratio:.0f} %",
        "per_minute": _per_minute,
        "number": lambda number: f"{number:,}",
        "job_link": lambda job: "./job?" + urlencode({k: job[k] for k in ("project", "job_id")}),
    }
    environment.globals["list_link"] = _list_link
    return environment


def _per_minute(rate: float) -> str:
    """Return a rate a second as one a minute, with two digits at least."""
    number = rate * _SECONDS_PER_MINUTE
    return f"{number:,.0f}" if number >= _WHOLE_FROM else f"{number:.2g}"


def _iso_time(unix_time: float) -> str:
    """Return a Unix time as HTML writes it, and nothing where no calendar has it."""
    try:
        return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return ""


def _list_link(query: Query, **changes: object) -> str:
    """Return the link to the same list with some parameters changed, the first page of it."""
    names = ("project", "status", "search", "sort", "page")
    asked = {name: getattr(query, name) for name in names} | {"page": 1} | changes
    if query.per_page != type(query)().per_page:
        asked["per_page"] = query.per_page
    given = {k: v for k, v in asked.items() if v and (k, v) != ("page", 1)}
    return "./?" + urlencode(given) + "#jobs"
