"""The poller of one project: it performs the actions that the core decides on.

One slot lists the project's jobs, the others refresh single jobs. A slot waits for a permit of the
budget before it gets an action from the core, so that no action is out of date when it is
performed.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, NoReturn

from exporter.core.actions import CountItems, FetchStatus, ListJobs, WaitUntil
from exporter.core.observations import (
    Abandoned,
    Failed,
    KeyChanged,
    Listed,
    Refreshed,
    Scraped,
    Shown,
    TimePassed,
)
from exporter.llamacloud.errors import LlamaCloudError
from exporter.publisher import Publisher
from exporter.waiting import happens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from exporter.core.actions import RefreshJob
    from exporter.core.events import Event
    from exporter.core.observations import Observation, Outcome
    from exporter.core.project import ProjectCore
    from exporter.core.rules import Rules
    from exporter.domain import ListingPlan, ProjectStatus, ProjectView
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Access


class ProjectPoller:
    """Polls LlamaCloud for one project with its ``apis``, by their generation.

    ``publish_view`` saves the state, and then makes a view visible to scrapes. ``handle_events``
    logs and counts events.
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
    ) -> None:
        self.core = core
        self._apis = apis
        self._access = access
        self._concurrency = concurrency
        self._handle_events = handle_events
        self._clock = clock
        self._key_changes = access.changes
        self._rules_changed = asyncio.Event()
        self._work_may_be_due = asyncio.Event()
        self.publisher = Publisher(core, publish_view, receive=self._receive, clock=clock)

    async def run(self) -> NoReturn:
        """Poll until cancelled; a bug raises."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_key())
            tasks.create_task(self.publisher.run())
            tasks.create_task(self._run_slot(listing=True))
            # One slot more than the concurrency sends while another one reads its answer. With a
            # concurrency of 1, it would take permits from other projects during retries.
            for _ in range(self._concurrency + (self._concurrency > 1)):
                tasks.create_task(self._run_slot(listing=False))
        raise AssertionError("the tasks of a poller end by cancellation or by an exception")

    def status(self) -> ProjectStatus:
        """Return the status of the project."""
        return self.core.status(self._clock())

    def scraped(self, view_number: int) -> None:
        """Record that a complete scrape showed this project's view with this number."""
        self._receive(Scraped(view_number))

    def change_rules(self, rules: Rules) -> None:
        """Apply other rules, with the same project, filters and API generations."""
        self.core.change_rules(rules, self._clock())
        self.publisher.changed.set()
        self._rules_changed.set()
        self._wake_slots()

    def renew_key(self) -> None:
        """Read the key again from its source, and use a new one at once."""
        self._access.renew()
        self._check_key()

    async def _run_slot(self, *, listing: bool) -> NoReturn:
        while True:
            budget = self._access.budget
            async with budget.permit(self._access, listing=listing) as permit:
                if budget is not self._access.budget:
                    # The key was replaced meanwhile: others wait for what this permit holds.
                    continue
                action = self.core.next_action(
                    self._clock(), budget.is_throttling, may_list=listing, may_refresh=not listing
                )
                self._check_first_poll()
                if not isinstance(action, WaitUntil):
                    await self._perform(action, permit)
            if isinstance(action, WaitUntil):
                await self._wait_until(action.moment)

    async def _perform(self, action: ListJobs | RefreshJob, permit: Permit) -> None:
        try:
            if isinstance(action, ListJobs):
                await self._list(action, permit)
            else:
                self._receive(await self._refresh(action, permit))
        except asyncio.CancelledError:
            self._receive(Abandoned(action))
            raise

    async def _list(self, action: ListJobs, permit: Permit) -> None:
        async with asyncio.TaskGroup() as tasks:
            # Whichever sends first uses the permit; the others wait for their own.
            listings = {
                version: tasks.create_task(self._list_by(version, plan, permit))
                for version, plan in action.plans.items()
            }
        outcomes = {version: listing.result() for version, listing in listings.items()}
        for part in Listed.parts(action, outcomes):
            self._receive(part)
            await asyncio.sleep(0)
        self._wake_slots()

    async def _list_by(self, version: str, plan: ListingPlan, permit: Permit) -> Outcome:
        try:
            return await self._apis[version].list_jobs(plan, permit)
        except LlamaCloudError as error:
            return error.failure()

    async def _refresh(self, action: RefreshJob, permit: Permit) -> Refreshed | Failed:
        """Perform one step of a job's refresh by the generation that listed the job."""
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
        await happens(self._work_may_be_due, seconds)
        # Also here, because the permit of the next listing may take long.
        self._check_first_poll()

    async def _watch_key(self) -> NoReturn:
        while True:
            await happens(self._rules_changed, self.core.rules.interval)
            self._rules_changed.clear()
            self.renew_key()

    def _receive(self, observation: Observation) -> None:
        self._check_key()
        self._handle_events(self.core.receive(observation, self._clock()))
        if not isinstance(observation, TimePassed | Shown | Scraped):
            self.publisher.changed.set()
        self._check_first_poll()

    def _check_key(self) -> None:
        if self._access.changes != self._key_changes:
            self._key_changes = self._access.changes
            self._receive(KeyChanged())
            self._wake_slots()

    def _check_first_poll(self) -> None:
        publisher = self.publisher
        if not publisher.first_poll_is_over.is_set() and self.core.poll_is_over(self._clock()):
            publisher.first_poll_is_over.set()
            publisher.changed.set()

    def _wake_slots(self) -> None:
        self._work_may_be_due.set()
        self._work_may_be_due = asyncio.Event()
