"""A poller whose LlamaCloud is scripted by the test, without any socket."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from exporter.core.project import ProjectCore
from exporter.domain import ItemsCounted, JobRefreshed, Listing
from exporter.poller import ProjectPoller
from tests.support.clients import FixedAccess, plenty
from tests.support.history import EPOCH, HOUR, RULES, counts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from exporter.core.events import Event
    from exporter.domain import CountLimits, Job, ListingPlan, Memory, ProjectView
    from exporter.llamacloud.budget import RequestBudget
    from exporter.llamacloud.permit import Permit

KEY = "llx-key"


@dataclass
class Api:
    """Answers at once, unless an operation is in ``hangs`` or ``error`` is raised."""

    access: FixedAccess
    jobs: tuple[Job, ...] = ()
    hangs: set[str] = field(default_factory=set)
    error: Exception | None = None
    requested: list[str] = field(default_factory=list)

    async def list_jobs(self, plan: ListingPlan, permit: Permit | None = None) -> Listing:
        """List the jobs."""
        assert plan.max_requests == RULES.listing_max_requests
        await self._request("list", permit)
        now = time.monotonic()
        return Listing(self.jobs, now, EPOCH + now, EPOCH + now)

    async def job_status(
        self, job: Job, memory: Memory, permit: Permit | None = None
    ) -> tuple[JobRefreshed, Memory]:
        """Return the job as it was listed."""
        await self._request("status", permit)
        now = time.monotonic()
        return JobRefreshed(job, 0.5, now, EPOCH + now), memory

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[ItemsCounted, Memory]:
        """Count ten items."""
        assert limits.max_requests == RULES.items_max_requests
        await self._request("items", permit)
        now = time.monotonic()
        return ItemsCounted(job.id, counts(processing=10), now, EPOCH + now), memory

    async def _request(self, kind: str, permit: Permit | None) -> None:
        self.requested.append(kind)
        budget = self.access.budget
        async with budget.request(self.access, listing=kind == "list", permit=permit):
            await asyncio.sleep(0)
            if kind in self.hangs:
                await asyncio.Event().wait()
            if self.error is not None:
                raise self.error


@dataclass
class Setup:
    """A poller, with the views and events that it hands on."""

    core: ProjectCore
    api: Api
    poller: ProjectPoller
    views: list[tuple[float, ProjectView]]
    events: list[Event]


def setup(
    *jobs: Job,
    budget: RequestBudget | None = None,
    clock: Callable[[], float] = time.monotonic,
    interval: float = HOUR,
    publish_once: asyncio.Event | None = None,
) -> Setup:
    """Return a poller that is not running yet; it publishes ``publish_once`` something happened."""
    access = FixedAccess(KEY, budget or plenty())
    api = Api(access, jobs)
    core = ProjectCore(replace(RULES, interval=interval, min_scrapes=1), clock())
    views: list[tuple[float, ProjectView]] = []
    events: list[Event] = []

    async def publish_view(view: ProjectView) -> None:
        await (publish_once.wait() if publish_once else asyncio.sleep(0))
        views.append((time.monotonic(), view))

    def handle_events(happened: Sequence[Event]) -> None:
        events.extend(happened)

    poller = ProjectPoller(
        core,
        {"v1beta": api},
        access=access,
        concurrency=4,
        publish_view=publish_view,
        handle_events=handle_events,
        clock=clock,
    )
    return Setup(core, api, poller, views, events)


@asynccontextmanager
async def running(poller: ProjectPoller) -> AsyncIterator[asyncio.Task[NoReturn]]:
    """Run a poller until the block is left."""
    task = asyncio.create_task(poller.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
