"""Refreshing one job: its status, then a count of its items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import CountLimits, ItemsCounted, JobRefreshed, TooManyItems
from exporter.llamacloud.errors import LlamaCloudError

if TYPE_CHECKING:
    from exporter.domain import Failure, JobNotFound, Memory
    from exporter.llamacloud.api import BatchApi
    from exporter.poller.polls import Polls
    from exporter.poller.reports import Reports
    from exporter.poller.tracking import Tracking

# The last look at an ended job is worth more pages than one of many at an active job.
_FINAL_COUNT_PAGES_FACTOR = 5


class JobRefresher:
    """Asks LlamaCloud for single jobs of one project, and hands over what it answers."""

    def __init__(
        self,
        api: BatchApi,
        tracking: Tracking,
        polls: Polls,
        reports: Reports,
        *,
        items_max_pages: int,
    ) -> None:
        self._api = api
        self._tracking = tracking
        self._polls = polls
        self._reports = reports
        self._memories: dict[str, Memory] = {}
        self._items_max_pages = items_max_pages

    async def refresh(self, job_id: str, *, urgent_counts_only: bool) -> Failure | None:
        """Fetch a job's status and count its items, as far as that is still to be done.

        With ``urgent_counts_only`` a count waits for a while where nothing has changed. What went
        wrong is returned.
        """
        try:
            failure = None
            missing = await self._fetch_status(job_id)
            if missing is None:
                await self._count(job_id, if_urgent=urgent_counts_only)
            elif self._tracking.is_listed(job_id):
                failure = missing.failure
            else:
                self._tracking.not_found(missing)
        except LlamaCloudError as error:
            failure = error.failure()
        if failure is not None:
            self._polls.failed(failure.reason)
            self._reports.refresh_failed(job_id, failure)
            return failure
        self._reports.refreshed(job_id)
        return None

    async def _fetch_status(self, job_id: str) -> JobNotFound | None:
        """Fetch a job's status unless it is final; return that LlamaCloud does not know it."""
        job = self._tracking.job(job_id)
        if job is None or not self._tracking.wants_status(job_id):
            return None
        answer, self._memories[job_id] = await self._api.job_status(job, self._memories.get(job_id))
        if isinstance(answer, JobRefreshed):
            self._tracking.refreshed(answer)
            return None
        return answer

    async def _count(self, job_id: str, *, if_urgent: bool) -> None:
        job = self._tracking.to_count(job_id, if_urgent=if_urgent)
        if job is None:
            return
        factor = 1 if job.active else _FINAL_COUNT_PAGES_FACTOR
        answer, self._memories[job_id] = await self._api.count_items(
            job, self._memories.get(job_id), CountLimits(factor * self._items_max_pages)
        )
        match answer:
            case ItemsCounted():
                self._tracking.counted(answer)
            case TooManyItems():
                self._tracking.uncountable(job_id, answer.asked_monotonic)
