"""The polled projects: started, stopped, and changed by reloads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.app.access import BudgetLimits
from exporter.app.changes import Begun
from exporter.app.identity import api_versions_of, state_keys_of
from exporter.app.polled_project import PolledProject, polled_project
from exporter.pages import ProjectReport
from exporter.waiting import cancelled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import NoReturn

    from exporter.app.access import Budgets
    from exporter.app.changes import Changes
    from exporter.config import Settings
    from exporter.core.saved import SavedProject
    from exporter.exposition.snapshot import Snapshot
    from exporter.llamacloud.connections import Connections
    from exporter.logs.redaction import Secrets
    from exporter.poller import ProjectPoller
    from exporter.state import StateStore
    from exporter.telemetry import Telemetry

_SECONDS_PER_MINUTE = 60


def budget_limits_of(settings: Settings) -> BudgetLimits:
    """Return the limits of each budget; a 429 always leaves enough for one listing an interval."""
    requests = max((len(api_versions_of(p, settings)) for p in settings.projects), default=1)
    return BudgetLimits(
        requests_per_second=settings.api.requests_per_minute / _SECONDS_PER_MINUTE,
        least=requests / settings.poll.interval,
        concurrency=settings.api.concurrency,
    )


def shown_settings_of(settings: Settings) -> dict[str, float]:
    """Return the settings that are published as a gauge for each project."""
    limits = budget_limits_of(settings)
    return {
        "poll_interval_seconds": settings.poll.interval,
        "stale_after_seconds": settings.poll.stale_after,
        "api_budget_limit_requests_per_second": limits.requests_per_second,
    }


@dataclass(frozen=True, slots=True)
class Shared:
    """What all projects share; ``store`` is ``None`` without a state file.

    Later keys are added to ``secrets``.
    """

    connections: Connections
    budgets: Budgets
    telemetry: Telemetry
    snapshot: Snapshot
    secrets: Secrets
    store: StateStore | None


class ProjectSet:
    """Owns the polled projects."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._shared = shared
        self._tasks: asyncio.TaskGroup | None = None
        # New cores number their views from here: a scrape of an old view never counts for them.
        self._last_view_number = 0
        self._projects = self._build([Begun(each) for each in settings.projects], {}, settings)

    @property
    def pollers(self) -> Mapping[str, ProjectPoller]:
        """The pollers, by the names of their projects."""
        return {name: polled.poller for name, polled in self._projects.items()}

    def reports(self) -> Sequence[ProjectReport]:
        """Return what the pages and the JSON show of each project, sorted by name."""
        limit = self._shared.budgets.limits.requests_per_second
        return [
            ProjectReport(
                polled.poller.status(),
                budget_limit=limit,
                budget=polled.access.budget.requests_per_second,
                requests_in_last_minute=polled.telemetry.requests_in_last_minute(),
                shows_documents=polled.event_log.shows_documents,
            )
            for _, polled in sorted(self._projects.items())
        ]

    def saved(self) -> dict[str, SavedProject]:
        """Return what the state file keeps of each project, by its key there."""
        return {polled.state_key: polled.saved() for polled in self._projects.values()}

    def scraped(self, view_numbers: Mapping[str, int]) -> None:
        """Record for each project which view of it was scraped."""
        for name, view_number in view_numbers.items():
            # A reload may have removed the project since.
            if (polled := self._projects.get(name)) is not None:
                polled.poller.scraped(view_number)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Start polling in a task group, which later projects are started in as well."""
        self._tasks = tasks
        self._start(self._projects.values())

    async def stop(self) -> None:
        """Stop polling all projects."""
        await cancelled(_tasks(self._projects.values()))

    async def publish(self) -> None:
        """Publish every project as it is now."""
        await self._publish(self._projects.values())

    async def apply(self, changes: Changes, settings: Settings) -> None:
        """Stop, change and start projects, as ``changes`` that lead to other settings require.

        A kept project is not interrupted. One that gets another poller stays published meanwhile,
        and its counters continue.
        """
        self._apply_in_place(changes, settings)
        kept = {project.name for project in changes.kept}
        stopped = {name: of for name, of in self._projects.items() if name not in kept}
        await self._stop(stopped.values())
        for name in stopped:
            del self._projects[name]
        begun = self._build(changes.begun, stopped, settings)
        self._projects |= begun
        await self._publish(begun.values(), without=stopped.keys() - begun.keys())
        self._start(begun.values())

    def _apply_in_place(self, changes: Changes, settings: Settings) -> None:
        shared = self._shared
        shared.budgets.configure(budget_limits_of(settings))
        shared.telemetry.configure(shown_settings_of(settings))
        shared.connections.certificates.set_strict(is_strict=settings.api.tls_strict)
        for project in changes.kept:
            self._projects[project.name].apply(project, settings)

    async def _stop(self, stopped: Collection[PolledProject]) -> None:
        await cancelled(_tasks(stopped))
        for polled in stopped:
            self._shared.budgets.keep(polled.access.budget)
            self._last_view_number = max(self._last_view_number, polled.core.view_number)
            # A task that waits for it would wait for ever.
            polled.poller.publisher.first_poll_is_published.set()
        if (store := self._shared.store) is not None:
            await asyncio.gather(*(store.save(of.state_key, of.saved()) for of in stopped))

    def _build(
        self, begun: Iterable[Begun], stopped: Mapping[str, PolledProject], settings: Settings
    ) -> dict[str, PolledProject]:
        shared, keys = self._shared, state_keys_of(settings.projects)
        continued = {each.project.name for each in begun if each.former == each.project.name}
        for name in stopped.keys() - continued:
            shared.telemetry.remove(name)
        built = {}
        for begin in begun:
            name = begin.project.name
            former = None if begin.former is None else stopped[begin.former]
            built[name] = polled = polled_project(
                settings, begin.project, shared, state_key=keys[name], former=former
            )
            polled.core.view_number = max(polled.core.view_number, self._last_view_number)
            if former and shared.store and former.state_key not in keys.values():
                # It is saved under its new key from now on.
                shared.store.forget(former.state_key)
        return built

    async def _publish(
        self, projects: Collection[PolledProject], without: Collection[str] = ()
    ) -> None:
        """Publish projects before their first poll; their state was saved before."""
        if not projects and not without:
            return
        views = [polled.poller.publisher.view() for polled in projects]
        await self._shared.snapshot.publish(*views, without=without)
        for polled, view in zip(projects, views, strict=True):
            polled.telemetry.published(view)
            polled.poller.publisher.published(view)

    def _start(self, projects: Iterable[PolledProject]) -> None:
        if self._tasks is not None:
            for polled in projects:
                polled.task = self._tasks.create_task(polled.poller.run())


def _tasks(projects: Iterable[PolledProject]) -> list[asyncio.Task[NoReturn]]:
    return [polled.task for polled in projects if polled.task is not None]
