"""A poller of the simulated LlamaCloud in the test's own event loop."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from exporter.app.polled_project import ENDPOINTS_OF, GENERATIONS
from exporter.core.project import ProjectCore
from exporter.event_log import EventLog
from exporter.poller import ProjectPoller
from exporter.telemetry import Telemetry
from tests.support.clients import FixedAccess, client_of, plenty
from tests.support.cloud import KEY
from tests.support.history import RULES, advance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from exporter.core.events import Event
    from exporter.domain import JobView, ProjectView
    from exporter.llamacloud.budget import RequestBudget
    from exporter.llamacloud.requests import Access
    from tests.support.cloud import Cloud

DEADLINE_SECONDS = 20.0


@dataclass
class Watch:
    """The results of a running poller; ``views`` are those that it published."""

    poller: ProjectPoller
    core: ProjectCore
    registry: CollectorRegistry
    views: list[ProjectView]

    @property
    def view(self) -> ProjectView:
        """The view to publish now."""
        return advance(self.core, time.monotonic())

    def job(self, job_id: str = "job-1") -> JobView:
        """Return a job of this view."""
        return {view.job_id: view for view in self.view.jobs}[job_id]

    def own(self, name: str, **labels: str) -> float | None:
        """Return one of the exporter's own metrics."""
        labels = {"project": RULES.project} | labels
        return self.registry.get_sample_value(f"llamacloud_exporter_{name}", labels)

    def polls(self, result: str) -> float:
        """Count the polls that ended in ``result``."""
        return self.own("polls_total", result=result) or 0.0


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, with a deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - other threads may change the condition too
            await asyncio.sleep(0.01)


@asynccontextmanager
async def polling(
    cloud: Cloud,
    *,
    interval: float = 0.3,
    concurrency: int = 4,
    api_versions: Sequence[str] = ("v1beta",),
    rules: dict[str, Any] | None = None,
    project_id: str | None = None,
    access: Access | None = None,
    budget: RequestBudget | None = None,
    **client_settings: Any,
) -> AsyncIterator[Watch]:
    """Run a poller of the simulated LlamaCloud, by default by v1beta alone."""
    registry = CollectorRegistry()
    telemetry = Telemetry(registry, {}, ENDPOINTS_OF).project(RULES.project)
    event_log = EventLog(RULES.project, key_origin="LLAMA_CLOUD_API_KEY")
    views: list[ProjectView] = []

    async def publish_view(view: ProjectView) -> None:
        views.append(view)
        telemetry.published(view)

    def handle_events(events: Sequence[Event]) -> None:
        for event in events:
            telemetry.count(event)
            event_log.log(event)

    polled = replace(RULES, api_versions=api_versions, interval=interval, **(rules or {}))
    core = ProjectCore(polled, time.monotonic())
    access = access or FixedAccess(KEY, budget or plenty())
    async with client_of(cloud, telemetry, access=access, **client_settings) as client:
        poller = ProjectPoller(
            core,
            {
                version: GENERATIONS[version](client, project_id=project_id)
                for version in api_versions
            },
            access=access,
            concurrency=concurrency,
            publish_view=publish_view,
            handle_events=handle_events,
            clock=time.monotonic,
        )
        task = asyncio.create_task(poller.run())
        try:
            yield Watch(poller, core, registry, views)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            task.result()
