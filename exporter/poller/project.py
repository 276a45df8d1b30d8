"""The loops of one project: list every interval, refresh in turn, publish what changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from exporter.domain import JobNotFound
from exporter.llamacloud.errors import ErrorReason, LlamaCloudError, NotFound
from exporter.poller.counting import count_items
from exporter.poller.discovery import ListingPlan, list_all_jobs
from exporter.poller.polls import Polls
from exporter.poller.reports import Reports
from exporter.poller.rounds import Rounds
from exporter.poller.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import ProjectView
    from exporter.llamacloud.v1beta import BatchProcessing
    from exporter.telemetry import ProjectTelemetry
    from exporter.tracker import TrackerRules

# Often enough that what is over leaves in time, seldom enough to cost nothing.
_HOUSEKEEPING_SECONDS = 5.0
_LEAST_SECONDS_BETWEEN_PUBLICATIONS = 1.0
# The last look at an ended job is worth more pages than one of many at an active job.
_FINAL_COUNT_PAGES_FACTOR = 5
# What a failure says of the key; the others say nothing of it.
_AUTHENTICATED = {
    ErrorReason.UNAUTHORIZED: False,
    ErrorReason.PAYMENT_REQUIRED: True,
    ErrorReason.FORBIDDEN: True,
}


@dataclass(frozen=True, slots=True)
class PollerSettings:
    """How one project is polled; durations are in seconds."""

    interval: float
    full_listing_every: float
    items_max_pages: int
    concurrency: int
    listing: ListingPlan


class ProjectPoller:
    """Asks LlamaCloud for news of one project, and has them published.

    ``first_listing_tried`` and ``first_poll_ended`` are set once; ``last_alive_monotonic`` moves on
    while the loops are alive, whether LlamaCloud answers or not.
    """

    def __init__(
        self,
        api: BatchProcessing,
        *,
        rules: TrackerRules,
        settings: PollerSettings,
        telemetry: ProjectTelemetry,
        publish_view: Callable[[ProjectView], None],
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._reports = Reports(rules.project)
        self._tracking = Tracking(
            rules, reports=self._reports, publish_view=publish_view, clock=clock
        )
        self._polls = Polls(telemetry, clock)
        self._rounds = Rounds(self._tracking)
        self._last_full_listing: float | None = None
        self._jobs_may_be_due = asyncio.Event()
        self.first_listing_tried = asyncio.Event()
        self.first_poll_ended = asyncio.Event()
        self.last_alive_monotonic = clock()

    @property
    def listing_worked(self) -> bool:
        """Whether the last listing succeeded."""
        return self._polls.listing_worked

    async def run(self) -> NoReturn:
        """Poll until cancelled; a bug raises."""
        self.publish()
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._list_every_interval())
            loops.create_task(self._publish_changes())
            for _ in range(self._settings.concurrency):
                loops.create_task(self._refresh_in_turn())
        raise AssertionError("the loops of a project end by cancellation or by an exception")

    def publish(self) -> None:
        """Publish what is known at this moment."""
        self._tracking.publish()

    def scraped(self, generation: int) -> None:
        """Take note that a complete scrape showed this project's view of ``generation``."""
        self._tracking.scraped(generation)

    async def _publish_changes(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_HOUSEKEEPING_SECONDS):
                    await self._tracking.changed.wait()
            except TimeoutError:
                self._tracking.publish_if_changed()
            else:
                self._tracking.publish()
            self.last_alive_monotonic = self._clock()
            await asyncio.sleep(_LEAST_SECONDS_BETWEEN_PUBLICATIONS)

    async def _list_every_interval(self) -> None:
        begin_at = self._clock()
        while True:
            await self._list()
            missed_turns = (self._clock() - begin_at) // self._settings.interval
            begin_at += (1 + missed_turns) * self._settings.interval
            await asyncio.sleep(begin_at - self._clock())

    async def _list(self) -> None:
        self._end_poll()
        self._polls.begin()
        began = self._clock()
        try:
            listing = await list_all_jobs(self._api, self._listing_plan(began))
        except LlamaCloudError as error:
            self._listing_failed(error)
        else:
            self._telemetry.listing_finished(up=True, authenticated=True)
            self._polls.listed(worked=True)
            self._tracking.listed(listing)
            if listing.reached_end:
                self._last_full_listing = began
            self._rounds.begin_poll()
            self._jobs_may_be_due.set()
        self.first_listing_tried.set()

    def _listing_plan(self, now: float) -> ListingPlan:
        last = self._last_full_listing
        if last is None or now - last >= self._settings.full_listing_every:
            return self._settings.listing
        return replace(self._settings.listing, news_since=self._tracking.news_since())

    def _listing_failed(self, error: LlamaCloudError) -> None:
        authenticated = _AUTHENTICATED.get(error.reason)
        self._telemetry.listing_finished(up=False, authenticated=authenticated)
        self._reports.listing_failed(error)
        self._rounds.pause()
        self._polls.listed(worked=False)
        self._polls.failed(error.reason)
        self._end_poll()

    def _end_poll(self) -> None:
        if self._polls.end():
            if self.listing_worked:
                self._reports.poll_ended(self._tracking.is_due)
            self.first_poll_ended.set()

    async def _refresh_in_turn(self) -> None:
        while True:
            job_id = self._rounds.take()
            if job_id is not None:
                await self._refresh(job_id)
                self._rounds.done(job_id)
                continue
            if self._polls.may_end and self._rounds.is_idle:
                self._end_poll()
            self._jobs_may_be_due.clear()
            await self._jobs_may_be_due.wait()

    async def _refresh(self, job_id: str) -> None:
        try:
            if await self._ask_for_status(job_id):
                await self._count(job_id)
        except LlamaCloudError as error:
            self._refresh_failed(job_id, error)
        else:
            self._reports.refreshed(job_id)

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

    async def _count(self, job_id: str) -> None:
        job = self._tracking.to_count(job_id)
        if job is None:
            return
        began = self._clock()
        answer = await count_items(
            self._api,
            job_id,
            total_items=job.total_items,
            max_pages=(1 if job.active else _FINAL_COUNT_PAGES_FACTOR)
            * self._settings.items_max_pages,
            may_sweep_twice=self._tracking.may_sweep_twice(job_id),
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
