"""Refreshing one job: its status, then a count of its items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import JobNotFound
from exporter.llamacloud.errors import ErrorReason, LlamaCloudError, NotFound
from exporter.poller.counting import count_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.llamacloud.v1beta import BatchProcessing
    from exporter.poller.polls import Polls
    from exporter.poller.reports import Reports
    from exporter.poller.tracking import Tracking

# The last look at an ended job is worth more pages than one of many at an active job.
_FINAL_COUNT_PAGES_FACTOR = 5


class JobRefresher:
    """Asks LlamaCloud for single jobs of one project, and hands over what it answers."""

    def __init__(
        self,
        api: BatchProcessing,
        tracking: Tracking,
        polls: Polls,
        reports: Reports,
        *,
        clock: Callable[[], float],
        items_max_pages: int,
    ) -> None:
        self._api = api
        self._tracking = tracking
        self._polls = polls
        self._reports = reports
        self._clock = clock
        self._items_max_pages = items_max_pages

    async def refresh(self, job_id: str, *, urgent_counts_only: bool) -> LlamaCloudError | None:
        """Ask for a job's status and count its items, as far as that is still to be done.

        With ``urgent_counts_only`` a count waits for a while where nothing has changed. What went
        wrong is returned.
        """
        try:
            if await self._ask_for_status(job_id):
                await self._count(job_id, if_urgent=urgent_counts_only)
        except LlamaCloudError as error:
            self._refresh_failed(job_id, error)
            return error
        self._reports.refreshed(job_id)
        return None

    async def _ask_for_status(self, job_id: str) -> bool:
        """Ask for a job's status if it is not final; tell whether LlamaCloud knows the job."""
        if not self._tracking.wants_status(job_id):
            return True
        try:
            answer = await self._api.job_status(job_id)
        except NotFound as error:
            if not error.from_api or self._tracking.is_listed(job_id):
                raise
            self._tracking.not_found(JobNotFound(job_id, error.answered_at))
            return False
        self._tracking.refreshed(answer)
        return True

    async def _count(self, job_id: str, *, if_urgent: bool) -> None:
        job = self._tracking.to_count(job_id, if_urgent=if_urgent)
        if job is None:
            return
        began = self._clock()
        answer = await count_items(
            self._api,
            job,
            max_pages=(1 if job.active else _FINAL_COUNT_PAGES_FACTOR) * self._items_max_pages,
            before=self._tracking.last_counts(job_id),
        )
        if answer is None:
            self._tracking.uncountable(job_id, began)
        else:
            self._tracking.counted(answer)

    def _refresh_failed(self, job_id: str, error: LlamaCloudError) -> None:
        reason = error.reason
        if isinstance(error, NotFound):
            # Not ``not_found``: that would say that the project is not there.
            reason = ErrorReason.OTHER if error.from_api else ErrorReason.BAD_RESPONSE
        self._polls.failed(reason)
        self._reports.refresh_failed(job_id, error, reason)
