"""Facts about projects and jobs, named like the metrics; unknown values are left out.

They are the content of the JSON, which ``openapi.yaml`` describes, and of the pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter import advice
from exporter.exposition import JOB_FAMILIES
from exporter.pages.project_report import nothing_is_listed
from exporter.pages.selection import select
from exporter.texts import cut, well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exporter.domain import ApiStatus, FailedItem, Failure, JobView, StatusChange
    from exporter.pages.project_report import PageSource, ProjectReport
    from exporter.pages.selection import Query

    Facts = dict[str, Any]

# As long as a value in the log.
_LONGEST_TEXT = 1_000
_GAUGES = {
    family.name.removeprefix("llamacloud_batch_job_"): family.attribute
    for family in JOB_FAMILIES
    if family.attribute
}


def status_answer(source: PageSource, reports: Sequence[ProjectReport]) -> Facts:
    """Return the content of ``/api/v1/status``."""
    writer = FactWriter(source.clean)
    return {
        "version": source.version,
        "nothing_listed": nothing_is_listed(reports),
        "projects": [writer.project(report) for report in reports],
    }


def jobs_answer(source: PageSource, reports: Sequence[ProjectReport], query: Query) -> Facts:
    """Return the content of ``/api/v1/jobs`` for a query."""
    selection, writer = select(reports, query), FactWriter(source.clean)
    return {
        "page": selection.page,
        "per_page": query.per_page,
        "pages": selection.pages,
        "total": selection.total,
        "jobs": [writer.job(report, job) for report, job in selection.jobs],
    }


class FactWriter:
    """Writes facts; ``clean`` removes secrets from an external text."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean

    def project(self, report: ProjectReport) -> Facts:
        """Return the facts about a project."""
        status, was_tried = report.status, report.status.listing_was_tried
        was_listed = status.last_listing_at is not None
        return _known(
            {
                "project": well_formed(status.project),
                "project_id": status.project_id or None,
                "organization_id": status.organization_id or None,
                "project_up": status.listing_works if was_tried else None,
                "project_authenticated": status.is_authenticated,
                "stale": status.is_stale,
                "listing_truncated": status.is_truncated if was_listed else None,
                "last_listing_timestamp_seconds": status.last_listing_at,
                "poll_interval_seconds": status.interval,
                "stale_after_seconds": status.stale_after,
                "active_jobs": status.active_jobs,
                "failing_jobs": status.failing_jobs,
                "jobs_waiting_for_refresh": status.jobs_waiting_for_refresh,
                "tracked_jobs": len(status.jobs),
                "hidden_jobs": status.hidden_jobs,
                "uncounted_jobs": status.uncounted_jobs,
                "api_budget_limit_requests_per_second": report.budget_limit,
                "api_budget_requests_per_second": report.budget,
                "requests_in_last_minute": report.requests_in_last_minute,
                "apis": [_api(api) for api in status.apis],
                "problems": [*self._problems(report)],
            }
        )

    def job(self, report: ProjectReport, job: JobView) -> Facts:
        """Return the facts about a job."""
        status, id_ = report.status, job.job_id
        changes, items = status.status_changes.get(id_, ()), status.failed_items.get(id_, ())
        return _known(
            {
                "project": well_formed(status.project),
                "job_id": id_,
                "job_type": str(job.job_type),
                "api_version": str(job.api_version),
                "directory_id": job.directory_id or None,
                "configuration_id": job.configuration_id or None,
                "status": str(job.status),
                "active": job.active,
                "failing": job.is_failing,
                **{name: getattr(job, attribute) for name, attribute in _GAUGES.items()},
                "estimated_end_timestamp_seconds": job.estimated_end_at,
                "items": _numbers(job.items),
                "item_failures": _numbers(job.item_failures),
                "status_changes": [self._change(each, report) for each in changes],
                "last_failed_items": [self._item(each, report) for each in items],
            }
        )

    def _problems(self, report: ProjectReport) -> Iterator[Facts]:
        """List a project's problems, with the log's event names and advice, the worst first."""
        status = report.status
        if (failure := status.listing_failure) is not None:
            words = advice.listing_failed(failure)
            yield self._problem("project.listing_failed", words, failure, report)
        if status.went_stale:
            words = advice.stale(listing_fails=failure is not None)
            yield self._problem("project.stale", words, None, report)
        if status.is_truncated:
            yield self._problem("project.listing_truncated", advice.TRUNCATED, None, report)
        for api in status.apis:
            if (refusal := api.set_aside_for) is not None:
                words = advice.set_aside(refusal, had_answered=api.has_answered)
                problem = self._problem("api.set_aside", words, refusal, report)
                yield problem | {"api_version": str(api.api_version)}

    def _problem(
        self, event: str, words: str, failure: Failure | None, report: ProjectReport
    ) -> Facts:
        return {"event": event, **self._failure(failure, report), "advice": self._text(words)}

    def _failure(self, failure: Failure | None, report: ProjectReport) -> Facts:
        if failure is None:
            return {}
        detail = failure.detail
        if failure.detail_without_texts and not report.shows_documents:
            detail = failure.detail_without_texts
        return {"reason": str(failure.reason), "detail": self._text(detail)}

    def _change(self, change: StatusChange, report: ProjectReport) -> Facts:
        message = change.error_message if report.shows_documents else None
        return _known(
            {
                "status": str(change.status),
                "timestamp_seconds": change.seen_at,
                "error_message": self._text(message),
            }
        )

    def _item(self, item: FailedItem, report: ProjectReport) -> Facts:
        facts: Facts = {"item_id": item.item_id, "reason": item.reason}
        if report.shows_documents:
            facts["item_name"] = self._text(item.item_name)
            facts["error_message"] = self._text(item.error_message)
        return _known(facts)

    def _text(self, text: str | None) -> str | None:
        return None if text is None else cut(well_formed(self._clean(text)), _LONGEST_TEXT)


def _api(api: ApiStatus) -> Facts:
    return _known(
        {
            "api_version": str(api.api_version),
            "api_offered": api.is_offered,
            "api_last_answered_timestamp_seconds": api.last_answered_at,
        }
    )


def _numbers(by_label: Mapping[Any, int] | None) -> dict[str, int] | None:
    if by_label is None:
        return None
    return {str(label): number for label, number in by_label.items()}


def _known(facts: Facts) -> Facts:
    return {name: value for name, value in facts.items() if value is not None}
