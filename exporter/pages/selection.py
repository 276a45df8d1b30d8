"""Which jobs are shown, in which order: filters, search, sorting and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.domain import JobStatus
from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.domain import JobView
    from exporter.pages.project_report import ProjectReport

    ReportedJob = tuple[ProjectReport, JobView]

ACTIVE, FAILING = "active", "failing"
STATUSES: Final = (ACTIVE, FAILING, *map(str, JobStatus))
_MOST_JOBS = 500
_LONGEST_VALUE = 2_000
_ATTRIBUTES: Final[Mapping[str, str]] = {
    "job_id": "job_id",
    "job_type": "job_type",
    "api_version": "api_version",
    "status": "status",
    "progress_ratio": "progress_ratio",
    "failed_items": "failures",
    "total_items": "total_items",
    "created_timestamp_seconds": "created_at",
    "last_progress_timestamp_seconds": "last_progress_at",
    "last_refreshed_timestamp_seconds": "last_refreshed_at",
    "estimated_end_timestamp_seconds": "estimated_end_at",
}
SORTS: Final = ("project", *_ATTRIBUTES)


class BadQueryError(ValueError):
    """A parameter of a query has an unknown value; the message names the known ones."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which jobs are requested; ``sort`` begins with ``-`` for the greatest value first.

    Without ``sort``, active jobs with failures come first, then other active jobs, then ended jobs
    with failures, then the rest; the newest come first in each group.
    """

    project: str = ""
    status: str = ""
    search: str = ""
    sort: str = ""
    page: int = 1
    per_page: int = 50

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Query:
        """Read a query; unknown parameters are ignored.

        Raises:
            BadQueryError: a value is not one of the known ones.
        """
        return cls(
            project=_text(parameters, "project"),
            status=_one_of(parameters, "status", STATUSES),
            search=_text(parameters, "search").strip(),
            sort=_one_of(parameters, "sort", (*SORTS, *(f"-{sort}" for sort in SORTS))),
            page=_number(parameters, "page", 1, 1_000_000),
            per_page=_number(parameters, "per_page", 50, _MOST_JOBS),
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The jobs of one page, and how many there are on all ``pages``."""

    jobs: Sequence[ReportedJob]
    page: int
    pages: int
    total: int


def select(
    reports: Sequence[ProjectReport], query: Query, *, nearest_page: bool = False
) -> Selection:
    """Select the jobs that a query requests.

    A page beyond the last one is empty, or the last one if ``nearest_page`` is wanted.
    """
    found = [
        (report, job)
        for report in reports
        if query.project in {"", well_formed(report.status.project)}
        for job in report.status.jobs
        if _matches(job, query)
    ]
    pages = max(-(-len(found) // query.per_page), 1)
    page = min(query.page, pages) if nearest_page else query.page
    start = (page - 1) * query.per_page
    shown = _sorted(found, query.sort)[start : start + query.per_page]
    return Selection(shown, page, pages, len(found))


def find(reports: Sequence[ProjectReport], project: str, job_id: str) -> ReportedJob | None:
    """Return one job of a project, if it is tracked."""
    for report in reports:
        if well_formed(report.status.project) == project:
            for job in report.status.jobs:
                if job.job_id == job_id:
                    return report, job
    return None


def _matches(job: JobView, query: Query) -> bool:
    if query.search and query.search.casefold() not in job.job_id.casefold():
        return False
    match query.status:
        case "":
            return True
        case "active":
            return job.active
        case "failing":
            return job.is_failing
        case status:
            return job.status == status


def _sorted(jobs: list[ReportedJob], sort: str) -> list[ReportedJob]:
    # By id first, so that the order among equals is the same each time.
    jobs.sort(key=lambda of: (of[1].job_id, of[0].status.project))
    if not sort:
        jobs.sort(key=lambda of: of[1].created_at or 0.0, reverse=True)
        return sorted(jobs, key=_importance)
    name = sort.removeprefix("-")

    def value(of: ReportedJob) -> Any:  # noqa: ANN401 - of one type for each attribute
        report, job = of
        return report.status.project if name == "project" else getattr(job, _ATTRIBUTES[name])

    known = [of for of in jobs if value(of) is not None]
    known.sort(key=value, reverse=sort != name)
    return known + [of for of in jobs if value(of) is None]


def _importance(of: ReportedJob) -> int:
    job = of[1]
    return (0 if job.active else 2) + (0 if job.is_failing else 1)


def _text(parameters: Mapping[str, str], name: str) -> str:
    text = parameters.get(name, "")
    if len(text) > _LONGEST_VALUE:
        raise BadQueryError(f"{name} has more than {_LONGEST_VALUE} characters")
    return text


def _one_of(parameters: Mapping[str, str], name: str, known: Sequence[str]) -> str:
    value = parameters.get(name, "")
    if value and value not in known:
        raise BadQueryError(f"{name} must be one of {', '.join(known)}")
    return value


def _number(parameters: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = parameters.get(name, "")
    if not text:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not is_number or not 1 <= int(text) <= most:
        raise BadQueryError(f"{name} must be a number from 1 to {most}")
    return int(text)
