"""The log lines of a project: one for each event that a person may want to know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from exporter import advice
from exporter.core.events import (
    ApiOfferedAgain,
    ApiSetAside,
    ItemsFailed,
    ItemsFailedBeforeStart,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    JobGivenUp,
    JobRecordsContradict,
    JobReturned,
    ListingFailed,
    ListingSucceeded,
    ListingTruncated,
    ListingWholeAgain,
    MoreItemsFailed,
    ProjectStale,
    RefreshFailed,
    RefreshRecovered,
)
from exporter.domain import ErrorReason, JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.core.events import Event
    from exporter.domain import FailedItem, Failure, Job

_BAD_ENDS = frozenset({JobStatus.FAILED, JobStatus.GONE, JobStatus.UNKNOWN})


class EventLog:
    """Logs the events of one project; ``key_origin`` says where its API key came from.

    Unless it ``tells_documents``, names of documents and error texts of jobs and items are not
    logged.
    """

    def __init__(self, project: str, *, key_origin: str, tells_documents: bool = True) -> None:
        self._log = structlog.get_logger("exporter").bind(project=project)
        self.key_origin = key_origin
        self.tells_documents = tells_documents

    def log(self, event: Event) -> None:
        """Log one event, if it is news."""
        self._log_job(event)
        self._log_items(event)
        self._log_refresh(event)
        self._log_listing(event)
        self._log_api(event)

    def _log_job(self, event: Event) -> None:
        match event:
            case JobAppeared(job):
                self._log.info("job.appeared", **_facts(job))
            case JobChangedStatus(job, before):
                self._log.info("job.status_changed", before=str(before), **_facts(job))
            case JobEnded(job):
                self._job_ended(job)
            case JobReturned(job):
                self._log.warning("job.returned", **_facts(job), advice=advice.RETURNED)
            case JobGivenUp(job, items_not_ended):
                self._job_given_up(job, items_not_ended)
            case JobRecordsContradict(job_id):
                self._log.warning("job.contradicted", job_id=job_id, advice=advice.CONTRADICTED)

    def _log_items(self, event: Event) -> None:
        match event:
            case ItemsFailed(job, items):
                for item in items:
                    texts = _item_texts(item) if self.tells_documents else {}
                    self._log.warning("item.failed", **_item_facts(job, item), **texts)
            case ItemsFailedBeforeStart(job, number, reasons, items):
                self._log.warning(
                    "items.failed_before_start",
                    **_facts(replace(job, failed_items=number)),
                    reasons=_by_number(reasons),
                )
                for item in items:
                    texts = _item_texts(item) if self.tells_documents else {}
                    self._log.debug("item.failed", **_item_facts(job, item), **texts)
            case MoreItemsFailed(job, not_reported):
                self._log.warning("items.more_failed", job_id=job.id, not_shown=not_reported)

    def _log_refresh(self, event: Event) -> None:
        match event:
            case RefreshFailed(job_id, failure):
                advice = f"its last values stay; {failure.advice}"
                facts = _failure_facts(failure)
                if failure.detail_without_texts and not self.tells_documents:
                    facts["detail"] = failure.detail_without_texts
                self._log.warning("job.refresh_failed", job_id=job_id, **facts, advice=advice)
            case RefreshRecovered(reason):
                self._log.info("job.refresh_recovered", reason=str(reason))

    def _log_listing(self, event: Event) -> None:
        match event:
            case ListingSucceeded(jobs, active_jobs, is_first, recovered) if recovered or is_first:
                name = "project.listing_recovered" if recovered else "project.listed"
                self._log.info(name, jobs=jobs, active_jobs=active_jobs)
            case ListingFailed(failure, is_new=True):
                facts = _failure_facts(failure) | self._what_to_do(failure)
                # A key that is waited for is no fault before it is late: alerts tell of that.
                waits = failure.reason is ErrorReason.NO_KEY
                write = self._log.warning if waits else self._log.error
                write("project.listing_failed", **facts)
            case ListingTruncated(jobs):
                self._log.warning("project.listing_truncated", jobs=jobs, advice=advice.TRUNCATED)
            case ListingWholeAgain(jobs):
                self._log.info("project.listing_whole_again", jobs=jobs)
            case ProjectStale(stale_after, listing_fails):
                self._log.warning(
                    "project.stale",
                    stale_after_seconds=stale_after,
                    advice=advice.stale(listing_fails=listing_fails),
                )

    def _log_api(self, event: Event) -> None:
        match event:
            case ApiSetAside(api_version, failure, had_answered):
                write = self._log.warning if had_answered else self._log.info
                write(
                    "api.set_aside",
                    api_version=api_version,
                    **_failure_facts(failure),
                    advice=advice.set_aside(failure, had_answered=had_answered),
                )
            case ApiOfferedAgain(api_version):
                self._log.info("api.offered_again", api_version=api_version)

    def _what_to_do(self, failure: Failure) -> dict[str, str]:
        what_to_do = {"advice": advice.listing_failed(failure)}
        if failure.reason is ErrorReason.UNAUTHORIZED:
            return {"key": self.key_origin} | what_to_do
        return what_to_do

    def _job_ended(self, job: Job) -> None:
        bad = job.status in _BAD_ENDS or bool(job.failed_items)
        duration = None if job.run_seconds is None else round(job.run_seconds, 3)
        message = job.error_message if self.tells_documents else None
        details = {"duration_seconds": duration, "error_message": message}
        known = {name: value for name, value in details.items() if value is not None}
        write = self._log.warning if bad else self._log.info
        write("job.ended", **_facts(job), **known)

    def _job_given_up(self, job: Job, items_not_ended: int | None) -> None:
        if items_not_ended is None:
            self._log.warning("job.given_up", **_facts(job), advice=advice.NEVER_COUNTED)
        else:
            facts = {"items_not_ended": items_not_ended, "advice": advice.NEVER_SETTLED}
            self._log.warning("job.given_up", **_facts(job), **facts)


def _by_number(reasons: Mapping[str, int]) -> str:
    """Return the reasons with their numbers, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{reason} {number}" for reason, number in ordered)


def _failure_facts(failure: Failure) -> dict[str, str]:
    return {"reason": str(failure.reason), "detail": failure.detail}


def _item_facts(job: Job, item: FailedItem) -> dict[str, str | None]:
    return {
        "job_id": job.id,
        "job_type": str(job.job_type),
        "status": str(job.status),
        "item_id": item.item_id,
        "reason": item.reason,
    }


def _item_texts(item: FailedItem) -> dict[str, str | None]:
    return {"item_name": item.item_name, "error_message": item.error_message}


def _facts(job: Job) -> dict[str, object]:
    facts: dict[str, object] = {
        "job_id": job.id,
        "job_type": str(job.job_type),
        "api_version": str(job.api_version),
        "status": str(job.status),
        "total_items": job.total_items,
        "processed_items": job.processed_items,
        "failed_items": job.failed_items,
        "skipped_items": job.skipped_items,
    }
    return {name: value for name, value in facts.items() if value is not None}
