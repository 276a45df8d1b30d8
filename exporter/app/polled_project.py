"""Building the poller of one project, and the objects that serve it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from exporter.app.access import ProjectAccess
from exporter.app.identity import api_versions_of
from exporter.core.handover import go_on_from
from exporter.core.project import ProjectCore
from exporter.core.rules import Rules
from exporter.core.saved import restore, saved_project
from exporter.domain import ApiVersion
from exporter.event_log import EventLog
from exporter.llamacloud.client import Client
from exporter.llamacloud.request_log import RequestLog
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v2.api import V2Api
from exporter.poller import ProjectPoller

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from exporter.app.project_set import Shared
    from exporter.config import Project, Settings
    from exporter.core.events import Event
    from exporter.core.saved import SavedProject
    from exporter.domain import ProjectView
    from exporter.llamacloud.api import BatchApi, Generation
    from exporter.state import StateStore
    from exporter.telemetry import ProjectTelemetry

GENERATIONS: Final[Mapping[str, type[Generation]]] = {
    ApiVersion.V1BETA: V1BetaApi,
    ApiVersion.V2: V2Api,
}
ENDPOINTS_OF: Final = {version: tuple(api.endpoints) for version, api in GENERATIONS.items()}


@dataclass(slots=True)
class PolledProject:
    """A project with its poller, core, log and metrics; ``task`` is set while it polls."""

    project: Project
    state_key: str
    access: ProjectAccess
    client: Client
    telemetry: ProjectTelemetry
    event_log: EventLog
    poller: ProjectPoller
    task: asyncio.Task[NoReturn] | None = None

    @property
    def core(self) -> ProjectCore:
        """The project's core, which holds all that is known of it."""
        return self.poller.core

    def saved(self) -> SavedProject:
        """Return what the state file keeps of the project."""
        return saved_project(self.core.table, time.monotonic(), time.time())

    def apply(self, project: Project, settings: Settings) -> None:
        """Apply other settings that need no other poller."""
        self.project = project
        self.client.timeout_seconds = settings.api.timeout
        self.event_log.key_origin = project.key.origin
        self.event_log.shows_documents = settings.log.documents
        self.access.apply(project)
        if (rules := rules_of(project, settings)) != self.core.rules:
            self.poller.change_rules(rules)
        self.poller.renew_key()


def polled_project(
    settings: Settings,
    project: Project,
    shared: Shared,
    *,
    state_key: str,
    former: PolledProject | None = None,
) -> PolledProject:
    """Build the poller of one project; nothing runs yet.

    It continues from ``former``, a stopped entry of the same project, or else from the state file.
    """
    telemetry = _telemetry_of(project, shared, former)
    access = ProjectAccess(project, shared.budgets, shared.secrets)
    telemetry.budget_read_by(lambda: access.budget.requests_per_second)
    client = Client(
        shared.connections,
        base_url=project.base_url,
        access=access,
        timeout_seconds=settings.api.timeout,
        observer=telemetry,
        request_log=RequestLog(project.name),
    )
    event_log = EventLog(
        project.name, key_origin=project.key.origin, shows_documents=settings.log.documents
    )
    poller = ProjectPoller(
        _core(settings, project, shared.store, state_key, former),
        _apis(client, project, settings),
        access=access,
        concurrency=settings.api.concurrency,
        publish_view=lambda view: _save_and_publish(polled, view, shared),
        handle_events=partial(_count_and_log, telemetry, event_log),
        clock=time.monotonic,
    )
    polled = PolledProject(project, state_key, access, client, telemetry, event_log, poller)
    return polled


async def _save_and_publish(polled: PolledProject, view: ProjectView, shared: Shared) -> None:
    if shared.store is not None:
        # First, so that no scrape shows numbers that a crash would take back.
        await shared.store.save(polled.state_key, polled.saved())
    await shared.snapshot.publish(view)
    polled.telemetry.published(view)


def _count_and_log(
    telemetry: ProjectTelemetry, event_log: EventLog, events: Sequence[Event]
) -> None:
    for event in events:
        telemetry.count(event)
        event_log.log(event)


def _telemetry_of(
    project: Project, shared: Shared, former: PolledProject | None
) -> ProjectTelemetry:
    if former is not None and former.project.name == project.name:
        return former.telemetry
    return shared.telemetry.project(project.name)


def _core(
    settings: Settings,
    project: Project,
    store: StateStore | None,
    state_key: str,
    former: PolledProject | None,
) -> ProjectCore:
    now = time.monotonic()
    core = ProjectCore(rules_of(project, settings), now)
    if former is not None:
        go_on_from(core, former.core, now)
    elif store is not None and (saved := store.known(state_key)) is not None:
        restore(core.table, saved, now, time.time())
    return core


def _apis(client: Client, project: Project, settings: Settings) -> dict[str, BatchApi]:
    return {
        api_version: GENERATIONS[api_version](
            client,
            project=project.name,
            project_id=project.project_id,
            organization_id=project.organization_id,
        )
        for api_version in api_versions_of(project, settings)
    }


def rules_of(project: Project, settings: Settings) -> Rules:
    """Return the rules that the settings make for one project."""
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
