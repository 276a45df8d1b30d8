"""The poller of one project: it does what the core decides, and contains no policy.

One slot lists the project's jobs, the others refresh single jobs. A slot waits for the budget's
permit before it asks the core what to do, so that no decision is out of date when it is carried
out.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from exporter.core.actions import CountItems, FetchStatus, ListJobs, WaitUntil
from exporter.core.observations import (
    Abandoned,
    Failed,
    KeyChanged,
    Listed,
    Published,
    Refreshed,
    Scraped,
    TimePassed,
)
from exporter.core.saved import saved_project
from exporter.llamacloud.errors import LlamaCloudError
from exporter.llamacloud.generations import list_by_each

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from exporter.core.actions import RefreshJob
    from exporter.core.events import Event
    from exporter.core.observations import Observation
    from exporter.core.project import ProjectCore
    from exporter.core.saved import SavedProject
    from exporter.domain import ProjectStatus, ProjectView
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Access

# Often enough that what time alone changes shows soon, seldom enough to cost nothing.
_LOOK_AT_LEAST_EVERY_SECONDS = 5.0
_LEAST_SECONDS_BETWEEN_PUBLICATIONS = 1.0


class ProjectPoller:
    """Polls LlamaCloud for one project by its ``apis``, and has the project published.

    ``publish_view`` makes a view visible to scrapes, ``handle_events`` logs and counts events.
    ``last_alive_monotonic`` moves on while the poller is alive, whether LlamaCloud answers or not.
    """

    def __init__(
        self,
        core: ProjectCore,
        apis: Mapping[str, BatchApi],
        *,
        access: Access,
        concurrency: int,
        publish_view: Callable[[ProjectView], Awaitable[None]],
        handle_events: Callable[[Sequence[Event]], None],
        clock: Callable[[], float],
        unix_clock: Callable[[], float] = time.time,
    ) -> None:
        self._core = core
        self._apis = apis
        self._access = access
        self._concurrency = concurrency
        self._publish_view = publish_view
        self._handle_events = handle_events
        self._clock = clock
        self._unix_clock = unix_clock
        self._key_changes = access.changes
        self._last_view: ProjectView | None = None
        self._something_changed = asyncio.Event()
        self._work_may_be_due = asyncio.Event()
        self.first_poll_is_over = asyncio.Event()
        self.last_alive_monotonic = clock()

    async def run(self) -> NoReturn:
        """Poll until cancelled; a bug raises."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_key())
            tasks.create_task(self._publish_changes())
            tasks.create_task(self._run_slot(listing=True))
            # One more than may send at once: it sends while another reads its answer. Where only
            # one may, it would take the turns of other projects while the first one retries.
            for _ in range(self._concurrency + (self._concurrency > 1)):
                tasks.create_task(self._run_slot(listing=False))
        raise AssertionError("the tasks of a poller end by cancellation or by an exception")

    def status(self) -> ProjectStatus:
        """Return how the exporter fares with the project."""
        return self._core.status(self._clock())

    @property
    def last_view(self) -> ProjectView | None:
        """What was published last of the project."""
        return self._last_view

    def saved(self) -> SavedProject:
        """Return what a restart is to keep of the project."""
        return saved_project(self._core.table, self._clock(), self._unix_clock())

    def scraped(self, generation: int) -> None:
        """Note that a complete scrape showed this project's view of ``generation``."""
        self._receive(Scraped(generation))

    async def publish(self) -> None:
        """Publish the project unless it is published as it is."""
        view, last = self._core.view(self._clock()), self._last_view
        if last is not None and replace(view, generation=last.generation) == last:
            return
        await self._publish_view(view)
        self._last_view = view
        self._receive(Published(view))

    async def _run_slot(self, *, listing: bool) -> NoReturn:
        while True:
            async with self._access.budget.permit(self._access, listing=listing) as permit:
                if not permit.is_of(self._access.budget):
                    # The key was replaced meanwhile: others wait for what this permit holds.
                    continue
                action = self._core.next_action(
                    self._clock(), permit.is_throttling, may_list=listing, may_refresh=not listing
                )
                self._look_whether_poll_is_over()
                if not isinstance(action, WaitUntil):
                    await self._perform(action, permit)
            if isinstance(action, WaitUntil):
                await self._wait_until(action.moment)

    async def _perform(self, action: ListJobs | RefreshJob, permit: Permit) -> None:
        try:
            if isinstance(action, ListJobs):
                await self._list(action, permit)
            else:
                self._receive(await self._refreshed(action, permit))
        except asyncio.CancelledError:
            self._receive(Abandoned(action))
            raise

    async def _list(self, action: ListJobs, permit: Permit) -> None:
        outcomes = await list_by_each(self._apis, action.plans, permit)
        for batch in Listed.batches(action, outcomes):
            self._receive(batch)
            await asyncio.sleep(0)
        self._wake_slots()

    async def _refreshed(self, action: RefreshJob, permit: Permit) -> Refreshed | Failed:
        api = self._apis[action.job.api_version]
        try:
            match action:
                case FetchStatus(job, memory):
                    return Refreshed(action, *await api.job_status(job, memory, permit))
                case CountItems(job, memory, limits):
                    return Refreshed(action, *await api.count_items(job, memory, limits, permit))
        except LlamaCloudError as error:
            return Failed(action, error.failure())

    async def _wait_until(self, moment: float) -> None:
        seconds = None if moment == math.inf else max(moment - self._clock(), 0.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._work_may_be_due.wait()
        # Here as well, for the permit of the next listing may take long.
        self._look_whether_poll_is_over()

    async def _watch_key(self) -> NoReturn:
        while True:
            await asyncio.sleep(self._core.rules.interval)
            self._access.renew()
            self._look_whether_key_changed()

    async def _publish_changes(self) -> NoReturn:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AT_LEAST_EVERY_SECONDS):
                    await self._something_changed.wait()
            self._something_changed.clear()
            self._receive(TimePassed())
            await self.publish()
            self.last_alive_monotonic = self._clock()
            await asyncio.sleep(_LEAST_SECONDS_BETWEEN_PUBLICATIONS)

    def _receive(self, observation: Observation) -> None:
        self._look_whether_key_changed()
        self._handle_events(self._core.receive(observation, self._clock()))
        if not isinstance(observation, TimePassed | Published | Scraped):
            self._something_changed.set()
        self._look_whether_poll_is_over()

    def _look_whether_key_changed(self) -> None:
        if self._access.changes != self._key_changes:
            self._key_changes = self._access.changes
            self._receive(KeyChanged())
            self._wake_slots()

    def _look_whether_poll_is_over(self) -> None:
        if self._core.poll_is_over(self._clock()):
            self.first_poll_is_over.set()

    def _wake_slots(self) -> None:
        self._work_may_be_due.set()
        self._work_may_be_due = asyncio.Event()
