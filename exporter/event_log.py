"""The log lines of a project, from the events of its core."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from exporter import advice
from exporter.core import events
from exporter.domain import ErrorReason, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exporter.domain import FailedItem, Failure, Job

_BAD_ENDS = frozenset({JobStatus.FAILED, JobStatus.GONE, JobStatus.UNKNOWN})


class EventLog:
    """Logs the events of one project; ``key_origin`` describes where its API key came from.

    Names of documents and error texts are logged only if ``shows_documents`` is true.
    """

    def __init__(self, project: str, *, key_origin: str, shows_documents: bool = True) -> None:
        self._log = structlog.get_logger("exporter").bind(project=project)
        self.key_origin = key_origin
        self.shows_documents = shows_documents

    def log(self, event: events.Event) -> None:
        """Log one event; a lasting problem is logged when it begins and when it ends."""
        self._log_job(event)
        self._log_items(event)
        self._log_listing(event)
        self._log_api(event)

    def _log_job(self, event: events.Event) -> None:
        match event:
            case events.JobAppeared(job):
                self._log.info("job.appeared", **_facts(job))
            case events.JobChangedStatus(job, before):
                self._log.info("job.status_changed", before=str(before), **_facts(job))
            case events.JobEnded(job):
                self._job_ended(job)
            case events.JobReturned(job):
                self._log.warning("job.returned", **_facts(job), advice=advice.RETURNED)
            case events.JobGivenUp(job, None):
                self._log.warning("job.given_up", **_facts(job), advice=advice.NEVER_COUNTED)
            case events.JobGivenUp(job, items_not_ended):
                facts = {"items_not_ended": items_not_ended, "advice": advice.NEVER_SETTLED}
                self._log.warning("job.given_up", **_facts(job), **facts)
            case events.JobRecordsContradict(job_id):
                self._log.warning("job.contradicted", job_id=job_id, advice=advice.CONTRADICTED)

    def _log_items(self, event: events.Event) -> None:
        match event:
            case events.ItemsFailed(job, items):
                self._items_failed(self._log.warning, job, items)
            case events.ItemsFailedBeforeStart(job, number, reasons, items):
                self._log.warning(
                    "items.failed_before_start",
                    **_facts(replace(job, failed_items=number)),
                    reasons=_by_number(reasons),
                )
                self._items_failed(self._log.debug, job, items)
            case events.MoreItemsFailed(job, not_reported):
                self._log.warning("items.more_failed", job_id=job.id, not_shown=not_reported)

    def _log_listing(self, event: events.Event) -> None:
        match event:
            case events.ListingSucceeded(jobs, active_jobs, recovered=True):
                self._log.info("project.listing_recovered", jobs=jobs, active_jobs=active_jobs)
            case events.ListingSucceeded(jobs, active_jobs, is_first=True):
                self._log.info("project.listed", jobs=jobs, active_jobs=active_jobs)
            case events.ListingFailed(failure, is_new=True):
                facts = _failure_facts(failure)
                if failure.reason is ErrorReason.UNAUTHORIZED:
                    facts["key"] = self.key_origin
                # Waiting for a key is no failure until it takes long, which alerts report.
                waits = failure.reason is ErrorReason.NO_KEY
                write = self._log.warning if waits else self._log.error
                write("project.listing_failed", **facts, advice=advice.listing_failed(failure))
            case events.ListingTruncated(jobs):
                self._log.warning("project.listing_truncated", jobs=jobs, advice=advice.TRUNCATED)
            case events.ListingWholeAgain(jobs):
                self._log.info("project.listing_whole_again", jobs=jobs)
            case events.ProjectStale(seconds, listing_fails):
                what_to_do = advice.stale(listing_fails=listing_fails)
                self._log.warning("project.stale", stale_after_seconds=seconds, advice=what_to_do)

    def _log_api(self, event: events.Event) -> None:
        match event:
            case events.RefreshFailed(job_id, failure):
                facts = {"job_id": job_id, **_failure_facts(failure)}
                if failure.detail_without_texts and not self.shows_documents:
                    facts["detail"] = failure.detail_without_texts
                what_to_do = f"its last values stay; {failure.advice}"
                self._log.warning("job.refresh_failed", **facts, advice=what_to_do)
            case events.RefreshRecovered(reason):
                self._log.info("job.refresh_recovered", reason=str(reason))
            case events.ApiSetAside(api_version, failure, had_answered):
                write = self._log.warning if had_answered else self._log.info
                write(
                    "api.set_aside",
                    api_version=api_version,
                    **_failure_facts(failure),
                    advice=advice.set_aside(failure, had_answered=had_answered),
                )
            case events.ApiOfferedAgain(api_version):
                self._log.info("api.offered_again", api_version=api_version)

    def _job_ended(self, job: Job) -> None:
        bad = job.status in _BAD_ENDS or bool(job.failed_items)
        duration = None if job.run_seconds is None else round(job.run_seconds, 3)
        message = job.error_message if self.shows_documents else None
        write = self._log.warning if bad else self._log.info
        details = _known({"duration_seconds": duration, "error_message": message})
        write("job.ended", **_facts(job), **details)

    def _items_failed(
        self, write: Callable[..., object], job: Job, items: Iterable[FailedItem]
    ) -> None:
        for item in items:
            texts = {"item_name": item.item_name, "error_message": item.error_message}
            write(
                "item.failed",
                job_id=job.id,
                job_type=str(job.job_type),
                status=str(job.status),
                item_id=item.item_id,
                reason=item.reason,
                **(texts if self.shows_documents else {}),
            )


def _by_number(reasons: Mapping[str, int]) -> str:
    """Return the reasons, each followed by its number, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{reason} {number}" for reason, number in ordered)


def _failure_facts(failure: Failure) -> dict[str, str]:
    return {"reason": str(failure.reason), "detail": failure.detail}


def _facts(job: Job) -> dict[str, object]:
    return _known(
        {
            "job_id": job.id,
            "job_type": str(job.job_type),
            "api_version": str(job.api_version),
            "status": str(job.status),
            "total_items": job.total_items,
            "processed_items": job.processed_items,
            "failed_items": job.failed_items,
            "skipped_items": job.skipped_items,
        }
    )


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}
