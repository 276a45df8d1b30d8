"""From the settings of one project to its poller."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.app.access import server_address_of
from exporter.core.project import ProjectCore
from exporter.core.rules import Rules
from exporter.core.saved import restore, saved_project
from exporter.domain import ApiVersion
from exporter.event_log import EventLog
from exporter.llamacloud.client import Client
from exporter.llamacloud.v1beta import V1BetaApi
from exporter.llamacloud.v2 import V2Api
from exporter.poller import ProjectPoller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.app.access import ProjectAccess
    from exporter.config import Project, Settings
    from exporter.core.events import Event
    from exporter.core.saved import SavedProject
    from exporter.domain import ProjectView
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.connections import Connections
    from exporter.publisher import Publisher
    from exporter.state import StateStore
    from exporter.telemetry import Telemetry


class ProjectState(NamedTuple):
    """Where one project is saved, and what was ``saved`` of it before."""

    store: StateStore
    key: str
    saved: SavedProject | None


_APIS: Final[Mapping[ApiVersion, Callable[..., BatchApi]]] = {
    ApiVersion.V1BETA: V1BetaApi,
    ApiVersion.V2: V2Api,
}


def least_requests_per_second(settings: Settings) -> float:
    """Return the rate that a budget never falls below: that of the listings of one project."""
    requests = max((len(api_versions_of(p, settings)) for p in settings.projects), default=1)
    return requests / settings.poll.interval


def api_versions_of(project: Project, settings: Settings) -> tuple[ApiVersion, ...]:
    """Name the generations of the API that a project is read by."""
    return project.api_versions or settings.api.versions


def poller_of(
    settings: Settings,
    project: Project,
    connections: Connections,
    telemetry: Telemetry,
    publisher: Publisher,
    *,
    access: ProjectAccess,
    state: ProjectState | None = None,
) -> ProjectPoller:
    """Build the poller of one project, which goes on from its ``state``; nothing runs yet."""
    project_telemetry = telemetry.project(project.name)
    project_telemetry.budget_read_by(lambda: access.budget.requests_per_second)
    client = Client(
        connections,
        base_url=project.base_url,
        access=access,
        timeout_seconds=settings.api.timeout,
        observer=project_telemetry,
    )
    event_log = EventLog(
        project.name,
        key_origin=project.api_key_origin,
        tells_documents=settings.log.documents,
    )
    core = ProjectCore(_rules(project, settings), time.monotonic())
    if state is not None and state.saved is not None:
        restore(core.table, state.saved, time.monotonic(), time.time())

    async def publish_view(view: ProjectView) -> None:
        if state is not None:
            # First, so that no scrape shows what a crash can take back.
            await state.store.save(
                state.key, saved_project(core.table, time.monotonic(), time.time())
            )
        await publisher.publish(view)
        project_telemetry.published(view)

    def handle_events(events: Sequence[Event]) -> None:
        for event in events:
            project_telemetry.count(event)
            event_log.log(event)

    return ProjectPoller(
        core,
        _apis(client, project, settings),
        access=access,
        concurrency=settings.api.concurrency,
        publish_view=publish_view,
        handle_events=handle_events,
        clock=time.monotonic,
    )


def state_key_of(project: Project) -> str:
    """Return what a project is called in a state file, however it is named in the settings."""
    scheme, host, port, path = server_address_of(project.base_url)
    # The default project of a key has no id that is known.
    of_server = f"id {project.project_id}" if project.project_id else f"name {project.name}"
    return f"{scheme}://{host}:{port}{path} {of_server}"


def _apis(client: Client, project: Project, settings: Settings) -> dict[str, BatchApi]:
    ids = {"project_id": project.project_id, "organization_id": project.organization_id}
    return {
        api_version: _APIS[api_version](client, project=project.name, **ids)
        for api_version in api_versions_of(project, settings)
    }


def _rules(project: Project, settings: Settings) -> Rules:
    return Rules(
        project=project.name,
        api_versions=api_versions_of(project, settings),
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
