"""The loops of one project: list every interval, refresh in turn, publish what changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from exporter.domain import ErrorReason, at_once
from exporter.llamacloud.errors import LlamaCloudError, Unauthorized
from exporter.poller.polls import Polls
from exporter.poller.refreshing import JobRefresher
from exporter.poller.reports import Reports
from exporter.poller.rounds import Rounds
from exporter.poller.schedule import Schedule
from exporter.poller.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import Listing, ListingPlan, ProjectView, Steps
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.client import Client
    from exporter.poller.pace import Pace
    from exporter.poller.settings import PollerSettings
    from exporter.telemetry import ProjectTelemetry
    from exporter.tracker import TrackerRules

# Often enough that what is over leaves in time, seldom enough to cost nothing.
_HOUSEKEEPING_SECONDS = 5.0
_LEAST_SECONDS_BETWEEN_PUBLICATIONS = 1.0
# What a failure says of the key; the others say nothing of it.
_AUTHENTICATED = {
    ErrorReason.UNAUTHORIZED: False,
    ErrorReason.PAYMENT_REQUIRED: True,
    ErrorReason.FORBIDDEN: True,
}


class ProjectPoller:
    """Asks LlamaCloud for news of one project, and has them published.

    ``first_listing_tried`` and ``first_poll_ended`` are set once; ``last_alive_monotonic`` moves on
    while the loops are alive, whether LlamaCloud answers or not.
    """

    def __init__(
        self,
        api: BatchApi,
        client: Client,
        *,
        rules: TrackerRules,
        settings: PollerSettings,
        key_origin: str,
        telemetry: ProjectTelemetry,
        publish_view: Callable[[ProjectView], Steps[None]],
        pace: Pace,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._client = client
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._pace = pace
        self._reports = Reports(rules.project, key_origin=key_origin)
        self._tracking = Tracking(
            rules, reports=self._reports, publish_view=publish_view, clock=clock
        )
        self._polls = Polls(telemetry, clock)
        self._rounds = Rounds(self._tracking)
        self._refresher = JobRefresher(
            api,
            self._tracking,
            self._polls,
            self._reports,
            items_max_pages=settings.items_max_pages,
        )
        self._last_full_listing: float | None = None
        self._urgent_counts_only = False
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
        at_once(self._tracking.publish())

    def scraped(self, generation: int) -> None:
        """Take note that a complete scrape showed this project's view of ``generation``."""
        self._tracking.scraped(generation)

    async def _publish_changes(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_HOUSEKEEPING_SECONDS):
                    await self._tracking.changed.wait()
            except TimeoutError:
                await self._pace.take(self._tracking.publish_if_changed())
            else:
                await self._pace.take(self._tracking.publish())
            self.last_alive_monotonic = self._clock()
            await asyncio.sleep(_LEAST_SECONDS_BETWEEN_PUBLICATIONS)

    async def _list_every_interval(self) -> None:
        schedule = Schedule(self._settings.interval, self._clock())
        while True:
            error = await self._list()
            key = self._client.key_number
            refused_key = key if isinstance(error, Unauthorized) else None
            moment = schedule.next_after(self._clock(), refused_key=refused_key)
            await self._wait_until(moment, key)

    async def _wait_until(self, moment: float, key: int) -> None:
        """Wait, for less where ``key`` is replaced meanwhile."""
        while (left := moment - self._clock()) > 0:
            await asyncio.sleep(min(left, self._settings.interval))
            self._client.renew_key()
            if self._client.key_number != key:
                return

    async def _list(self) -> LlamaCloudError | None:
        self._end_poll()
        self._polls.begin()
        began = self._clock()
        try:
            listing = await self._api.list_jobs(self._listing_plan(began))
        except LlamaCloudError as error:
            self._listing_failed(error)
            return error
        else:
            await self._listed(listing, began)
            return None
        finally:
            self.first_listing_tried.set()

    async def _listed(self, listing: Listing, began: float) -> None:
        self._telemetry.listing_finished(up=True, authenticated=True)
        await self._pace.take(self._tracking.listed(listing))
        self._polls.listed(worked=True)
        if listing.reached_end:
            self._last_full_listing = began
        self._urgent_counts_only = self._rounds.is_unfinished and self._client.is_budget_used_up
        self._rounds.begin_poll()
        self._jobs_may_be_due.set()

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
                failure = await self._refresher.refresh(
                    job_id, urgent_counts_only=self._urgent_counts_only
                )
                if failure is not None and failure.reason is ErrorReason.UNAUTHORIZED:
                    # The key is refused now: the next listing tells whether it still is.
                    self._rounds.pause()
                self._rounds.done(job_id)
                continue
            if self._polls.may_end and self._rounds.is_idle:
                self._end_poll()
            self._jobs_may_be_due.clear()
            await self._jobs_may_be_due.wait()
