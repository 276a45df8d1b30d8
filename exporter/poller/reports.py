"""What the log says of a project, a line for each thing that a person may want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from exporter.domain import ErrorReason, JobStatus
from exporter.poller.troubles import ListingTrouble, RefreshTrouble
from exporter.tracker import (
    ItemsFailed,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    MoreItemsFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.domain import Failure, Job, Listing
    from exporter.llamacloud.errors import LlamaCloudError
    from exporter.tracker import Event


_LISTING_FAILED = "see the last project.listing_failed"
_LISTING_TAKES_LONG = (
    "a listing takes longer than poll.stale_after: raise api.requests_per_minute or "
    "poll.stale_after, or narrow the project by directory_ids or job_types"
)
_REFUSED_KEY = (
    "it is tried ever less often, every five minutes in the end; a key file is read again within "
    "an interval, a key from elsewhere at a restart"
)


class Reports:
    """Writes the log lines of one project; trouble that lasts or comes and goes is told once."""

    def __init__(self, project: str, *, key_origin: str) -> None:
        self._log = structlog.get_logger("exporter").bind(project=project)
        self._key_origin = key_origin
        self._listing_trouble = ListingTrouble()
        self._stale = False
        self._refresh_troubles: dict[ErrorReason, RefreshTrouble] = {}
        self._listed_before = False
        self._truncated = False

    def events(self, events: Iterable[Event]) -> None:
        """Tell what happened to jobs and items."""
        for event in events:
            self._event(event)

    def listed(self, listing: Listing, *, truncated: bool) -> None:
        """Tell that listing works, where that is news.

        ``truncated`` says whether jobs may be missing, by this listing or by an earlier one.
        """
        recovered = self._listing_trouble.listed(at_once=self._stale)
        if recovered or not self._listed_before:
            active = sum(job.active for job in listing.jobs)
            name = "project.listing_recovered" if recovered else "project.listed"
            self._log.info(name, jobs=len(listing.jobs), active_jobs=active)
        if truncated and not self._truncated:
            self._log.warning(
                "project.listing_truncated",
                jobs=len(listing.jobs),
                advice="jobs may be missing: raise poll.max_pages, or narrow the project by "
                "directory_ids or job_types",
            )
        if self._truncated and not truncated:
            self._log.info("project.listing_whole_again", jobs=len(listing.jobs))
        self._listed_before = True
        self._stale = False
        self._truncated = truncated

    def listing_failed(self, error: LlamaCloudError) -> None:
        """Tell that listing does not work, once for each reason until it is over."""
        if self._listing_trouble.failed(error.reason):
            self._log.error(
                "project.listing_failed",
                reason=str(error.reason),
                detail=str(error),
                **self._what_to_do(error),
            )

    def stale(self, stale_after_seconds: float) -> None:
        """Tell that what is known of active jobs is too old to be published."""
        self._stale = True
        cause = _LISTING_FAILED if self._listing_trouble.failing else _LISTING_TAKES_LONG
        self._log.warning(
            "project.stale",
            stale_after_seconds=stale_after_seconds,
            advice=f"its active jobs are withdrawn until it is listed again; {cause}",
        )

    def refresh_failed(self, job_id: str, failure: Failure) -> None:
        """Tell that a job could not be refreshed, the first of those that fail in this way."""
        reason = failure.reason
        if reason not in self._refresh_troubles:
            self._refresh_troubles[reason] = RefreshTrouble()
            self._log.warning(
                "job.refresh_failed",
                job_id=job_id,
                reason=str(reason),
                detail=failure.detail,
                advice=f"its last values stay; {failure.advice}",
            )
        self._refresh_troubles[reason].failing.add(job_id)

    def refreshed(self, job_id: str) -> None:
        """Take note that a job could be refreshed."""
        for trouble in self._refresh_troubles.values():
            trouble.failing.discard(job_id)

    def poll_ended(self, is_due: Callable[[str], bool]) -> None:
        """Tell what trouble with jobs is over, after a poll that listed them.

        A job that is no longer due is not waited for.
        """
        for reason, trouble in list(self._refresh_troubles.items()):
            trouble.poll_ended(is_due)
            if trouble.over:
                del self._refresh_troubles[reason]
                self._log.info("job.refresh_recovered", reason=str(reason))

    def _what_to_do(self, error: LlamaCloudError) -> dict[str, str]:
        if error.reason is not ErrorReason.UNAUTHORIZED:
            return {"advice": error.advice}
        return {"key": self._key_origin, "advice": f"{error.advice}; {_REFUSED_KEY}"}

    def _event(self, event: Event) -> None:
        match event:
            case JobAppeared(job):
                self._log.info("job.appeared", **_facts(job))
            case JobChangedStatus(job, before):
                self._log.info("job.status_changed", before=str(before), **_facts(job))
            case JobEnded(job):
                self._job_ended(job)
            case ItemsFailed(job, items):
                for item in items:
                    self._log.warning(
                        "item.failed",
                        job_id=job.id,
                        job_type=str(job.job_type),
                        status=str(job.status),
                        item_id=item.item_id,
                        item_name=item.item_name,
                        error_message=item.error_message,
                    )
            case MoreItemsFailed(job, not_reported):
                self._log.warning("items.more_failed", job_id=job.id, not_shown=not_reported)

    def _job_ended(self, job: Job) -> None:
        bad = job.status in {JobStatus.FAILED, JobStatus.GONE} or bool(job.failed_items)
        duration = None if job.run_seconds is None else round(job.run_seconds, 3)
        details = {"duration_seconds": duration, "error_message": job.error_message}
        known = {name: value for name, value in details.items() if value is not None}
        write = self._log.warning if bad else self._log.info
        write("job.ended", **_facts(job), **known)


def _facts(job: Job) -> dict[str, object]:
    facts: dict[str, object] = {
        "job_id": job.id,
        "job_type": str(job.job_type),
        "status": str(job.status),
        "total_items": job.total_items,
        "processed_items": job.processed_items,
        "failed_items": job.failed_items,
        "skipped_items": job.skipped_items,
    }
    return {name: value for name, value in facts.items() if value is not None}
