"""The pages as HTML: templates, and the words and links in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from exporter.domain import JobStatus
from exporter.pages.facts import FactWriter, status_answer
from exporter.pages.selection import ACTIVE, FAILING, select
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from exporter.pages.project_report import PageSource, ProjectReport
    from exporter.pages.selection import Query, ReportedJob

_SHORTEST_REFRESH_SECONDS, _LONGEST_REFRESH_SECONDS = 5.0, 300.0
_SECONDS_PER_MINUTE = 60
_WHOLE_FROM = 10


def status_page(
    source: PageSource, reports: Sequence[ProjectReport], query: Query, tag: str
) -> str:
    """Write the page of all projects and of the jobs that a query selects."""
    writer, selection = FactWriter(source.clean), select(reports, query, nearest_page=True)
    jobs = [writer.job(report, job) | {"failures": job.failures} for report, job in selection.jobs]
    facts = status_answer(source, reports) | {"jobs": jobs}
    statuses = [ACTIVE, FAILING, *JobStatus]
    more = {"query": query, "selection": selection, "statuses": statuses}
    return _render("status.html", source, reports, tag, **facts, **more)


def job_page(
    source: PageSource, reports: Sequence[ProjectReport], found: ReportedJob | None, tag: str
) -> str:
    """Write the page of one job; ``found`` is ``None`` if the job is not tracked."""
    if found is None:
        return _render("missing_job.html", source, reports, tag)
    report, view = found
    job = FactWriter(source.clean).job(report, view) | {"failures": view.failures}
    # Jinja reads ``job.items`` as the method of that name.
    items = job.get("items")
    return _render("job.html", source, reports, tag, job=job, items_by_status=items, report=report)


def _render(
    template: str, source: PageSource, reports: Sequence[ProjectReport], tag: str, **more: object
) -> str:
    seconds = min((r.status.interval for r in reports), default=_LONGEST_REFRESH_SECONDS)
    facts = {
        "version": source.version,
        "telemetry_path": source.telemetry_path,
        "refresh_seconds": min(max(seconds, _SHORTEST_REFRESH_SECONDS), _LONGEST_REFRESH_SECONDS),
        "tag": tag,
    }
    return _environment().get_template(template).render(facts | more)


@cache
def _environment() -> Environment:
    # Imported for the first page: without it, the exporter starts sooner and needs less memory.
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
    """Return a rate in requests a second as requests a minute, with at least two digits."""
    number = rate * _SECONDS_PER_MINUTE
    return f"{number:,.0f}" if number >= _WHOLE_FROM else f"{number:.2g}"


def _iso_time(unix_time: float) -> str:
    """Return a Unix time as HTML writes it, or nothing if its year is not 1 to 9999."""
    try:
        return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return ""


def _list_link(query: Query, **changes: object) -> str:
    """Return the link to the same list with some parameters changed, by default its first page."""
    names = ("project", "status", "search", "sort", "page")
    parameters = {name: getattr(query, name) for name in names} | {"page": 1} | changes
    if query.per_page != type(query)().per_page:
        parameters["per_page"] = query.per_page
    shown = {k: v for k, v in parameters.items() if v and (k, v) != ("page", 1)}
    return "./?" + urlencode(shown) + "#jobs"
