"""A poller of the simulated LlamaCloud for tests, in the test's own loop."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from asking import client_of
from history import RULES
from prometheus_client import CollectorRegistry

from exporter.domain import ListingPlan
from exporter.llamacloud.v1beta import V1BetaApi
from exporter.poller import Pace, PollerSettings, ProjectPoller
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from cloud import Cloud

    from exporter.domain import JobView, ProjectView, Steps

DEADLINE_SECONDS = 20.0

SETTINGS = PollerSettings(
    interval=0.3,
    full_listing_every=900.0,
    items_max_pages=10,
    concurrency=4,
    listing=ListingPlan(max_requests=100),
)


@dataclass
class Watch:
    """What a running poller publishes."""

    poller: ProjectPoller
    registry: CollectorRegistry
    views: list[ProjectView] = field(default_factory=list)

    @property
    def view(self) -> ProjectView:
        """The newest view, published for the test at once."""
        self.poller.publish()
        return self.views[-1]

    def job(self, job_id: str = "job-1") -> JobView:
        """Return what is published of a job."""
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
        while not condition():  # noqa: ASYNC110 - what it waits for happens in other threads too
            await asyncio.sleep(0.01)


@asynccontextmanager
async def polling(
    cloud: Cloud,
    *,
    rules: dict[str, Any] | None = None,
    project_id: str | None = None,
    **settings: Any,
) -> AsyncIterator[Watch]:
    """Run a poller of the simulated LlamaCloud."""
    registry = CollectorRegistry()
    telemetry = Telemetry(
        registry,
        poll_interval_seconds=1.0,
        stale_after_seconds=1.0,
        budget_requests_per_second=1.0,
    ).project(RULES.project)
    views: list[ProjectView] = []

    def publish_view(view: ProjectView) -> Steps[None]:
        yield
        views.append(view)
        telemetry.published(view)

    client_settings = {
        name: settings.pop(name)
        for name in ("timeout_seconds", "budget", "api_key", "access", "upstream_clock")
        if name in settings
    }
    pace = settings.pop("pace", None) or Pace()
    async with client_of(cloud, telemetry, **client_settings) as client:
        poller = ProjectPoller(
            V1BetaApi(client, project_id=project_id),
            client,
            rules=replace(RULES, **(rules or {})),
            settings=replace(SETTINGS, **settings),
            key_origin="LLAMA_CLOUD_API_KEY",
            telemetry=telemetry,
            publish_view=publish_view,
            pace=pace,
            clock=time.monotonic,
        )
        task = asyncio.create_task(poller.run())
        try:
            yield Watch(poller, registry, views)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            task.result()
