"""From settings to the objects that do the work."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from exporter import __version__
from exporter.app.access import Budgets, ProjectAccess
from exporter.core.project import ProjectCore
from exporter.core.rules import Rules
from exporter.event_log import EventLog
from exporter.llamacloud.budget import RequestBudget
from exporter.llamacloud.client import Client
from exporter.llamacloud.rate import AllowedRate
from exporter.llamacloud.v1beta import API_VERSION, V1BetaApi
from exporter.poller import ProjectPoller
from exporter.publisher import Publisher
from exporter.snapshot import Snapshot
from exporter.telemetry import Telemetry, render
from exporter.web import Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config import Project, Settings
    from exporter.core.events import Event
    from exporter.domain import ProjectView
    from exporter.exposition import Form
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.connections import Connections
    from exporter.redaction import Secrets

USER_AGENT = f"llamacloud-batch-exporter/{__version__}"
# What an image sets, not a setting: those are named otherwise, and documented.
REVISION_VARIABLE = "LLAMACLOUD_BATCH_EXPORTER_REVISION"
_SECONDS_PER_MINUTE = 60
# Far beyond any pause that is not a stuck loop, and short enough to be restarted within minutes.
_LOOPS_ALIVE_WITHIN_SECONDS = 60.0
# So long may a first listing keep the exporter from being ready: it is useful without it too.
_READY_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Exporter:
    """All that runs, and what it publishes."""

    pollers: Mapping[str, ProjectPoller]
    snapshot: Snapshot
    registry: CollectorRegistry
    started_monotonic: float

    def scraped(self, generations: Mapping[str, int]) -> None:
        """Tell each project which view of it was scraped."""
        for project, generation in generations.items():
            self.pollers[project].scraped(generation)

    async def publish(self) -> None:
        """Publish every project as it is now."""
        for poller in self.pollers.values():
            await poller.publish()

    def is_healthy(self) -> bool:
        """Tell whether every project's loops are alive; LlamaCloud's health is not asked."""
        oldest = min((poller.last_alive_monotonic for poller in self.pollers.values()), default=0.0)
        return time.monotonic() - oldest < _LOOPS_ALIVE_WITHIN_SECONDS

    def is_ready(self) -> bool:
        """Tell whether every project's first listing was tried, or long enough waited for."""
        tried = all(poller.status().listing_was_tried for poller in self.pollers.values())
        return tried or time.monotonic() - self.started_monotonic >= _READY_AFTER_SECONDS

    def own_metrics(self, form: Form) -> bytes:
        """Render the exporter's own metrics, the end of an exposition."""
        return render(self.registry, form)

    def site(self, telemetry_path: str) -> Site:
        """Describe what is served over HTTP."""
        return Site(
            telemetry_path=telemetry_path,
            published=self.snapshot.published,
            own_metrics=self.own_metrics,
            scraped=self.scraped,
            healthy=self.is_healthy,
            ready=self.is_ready,
            version=__version__,
            projects=tuple(self.pollers),
        )


def assemble(settings: Settings, connections: Connections, secrets: Secrets) -> Exporter:
    """Build everything; nothing runs yet.

    ``secrets`` takes in the keys that come later.

    The revision that the exporter shows is that of the image, which its build leaves in the
    variable ``LLAMACLOUD_BATCH_EXPORTER_REVISION``; elsewhere it is unknown.
    """
    registry = CollectorRegistry()
    requests_per_second = settings.api.requests_per_minute / _SECONDS_PER_MINUTE
    configured = {
        "poll_interval_seconds": settings.poll.interval,
        "stale_after_seconds": settings.poll.stale_after,
        "api_budget_limit_requests_per_second": requests_per_second,
    }
    telemetry = Telemetry(registry, configured)
    revision = os.environ.get(REVISION_VARIABLE, "")
    telemetry.build_info(__version__, revision, platform.python_version())
    telemetry.config_loaded(successful=True, at=time.time())
    snapshot = Snapshot()
    publisher = Publisher(snapshot)

    def new_budget(key_name: str) -> RequestBudget:
        rate = AllowedRate(requests_per_second, least=1 / settings.poll.interval)
        return RequestBudget(rate, settings.api.concurrency, time.monotonic, key_name=key_name)

    budgets = Budgets(new_budget)
    pollers: dict[str, ProjectPoller] = {}
    for project in settings.projects:
        access = ProjectAccess(project, budgets, secrets)
        pollers[project.name] = _poller(
            settings, project, connections, telemetry, publisher, access=access
        )
    return Exporter(pollers, snapshot, registry, time.monotonic())


def _poller(
    settings: Settings,
    project: Project,
    connections: Connections,
    telemetry: Telemetry,
    publisher: Publisher,
    *,
    access: ProjectAccess,
) -> ProjectPoller:
    project_telemetry = telemetry.project(project.name)
    project_telemetry.budget_read_by(lambda: access.budget.requests_per_second)
    client = Client(
        connections,
        base_url=project.base_url,
        access=access,
        timeout_seconds=settings.api.timeout,
        observer=project_telemetry,
    )
    event_log = EventLog(project.name, key_origin=project.api_key_origin)

    async def publish_view(view: ProjectView) -> None:
        await publisher.publish(view)
        project_telemetry.published(view)

    def handle_events(events: Sequence[Event]) -> None:
        for event in events:
            project_telemetry.count(event)
            event_log.log(event)

    return ProjectPoller(
        ProjectCore(_rules(project, settings), time.monotonic()),
        _apis(client, project),
        access=access,
        concurrency=settings.api.concurrency,
        publish_view=publish_view,
        handle_events=handle_events,
        clock=time.monotonic,
    )


def _apis(client: Client, project: Project) -> dict[str, BatchApi]:
    ids = {"project_id": project.project_id, "organization_id": project.organization_id}
    return {API_VERSION: V1BetaApi(client, project=project.name, **ids)}


def _rules(project: Project, settings: Settings) -> Rules:
    return Rules(
        project=project.name,
        api_versions=(API_VERSION,),
        interval=settings.poll.interval,
        full_listing_every=settings.poll.full_listing_every,
        stale_after=settings.poll.stale_after,
        listing_max_requests=settings.poll.max_pages,
        items_max_requests=settings.items.max_pages,
        retention_finished=settings.retention.finished,
        retention_failed=settings.retention.failed,
        min_scrapes=settings.retention.min_scrapes,
        max_jobs=settings.jobs.max_per_project,
        items_enabled=settings.items.enabled,
        project_id=project.project_id,
        organization_id=project.organization_id,
        directory_ids=project.directory_ids,
        job_types=project.job_types,
    )
