"""The projects that are polled: built, started, stopped, and changed with the settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.app.access import BudgetLimits
from exporter.app.identity import api_versions_of, state_keys_of
from exporter.app.projects import PolledProject, polled_project
from exporter.pages import ProjectReport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from exporter.app.changes import Begun, Changes
    from exporter.app.projects import Shared
    from exporter.config import Settings
    from exporter.core.saved import SavedProject
    from exporter.poller import ProjectPoller

_SECONDS_PER_MINUTE = 60


def budget_limits_of(settings: Settings) -> BudgetLimits:
    """Return the limits of each key's budget; it never falls below one listing of a project."""
    requests = max((len(api_versions_of(p, settings)) for p in settings.projects), default=1)
    return BudgetLimits(
        requests_per_second=settings.api.requests_per_minute / _SECONDS_PER_MINUTE,
        least=requests / settings.poll.interval,
        concurrency=settings.api.concurrency,
    )


def shown_settings_of(settings: Settings) -> dict[str, float]:
    """Return the settings that every project shows as a gauge of the exporter's own."""
    limits = budget_limits_of(settings)
    return {
        "poll_interval_seconds": settings.poll.interval,
        "stale_after_seconds": settings.poll.stale_after,
        "api_budget_limit_requests_per_second": limits.requests_per_second,
    }


class ProjectSet:
    """Owns the projects that are polled."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self._shared = shared
        self._tasks: asyncio.TaskGroup | None = None
        # Scrapes of what was published under a name before are told from later ones.
        self._last_view_number = 0
        keys = state_keys_of(settings.projects)
        self._projects = {
            project.name: polled_project(settings, project, shared, state_key=keys[project.name])
            for project in settings.projects
        }

    @property
    def pollers(self) -> Mapping[str, ProjectPoller]:
        """The pollers, by the names of their projects."""
        return {name: polled.poller for name, polled in self._projects.items()}

    def reports(self) -> Sequence[ProjectReport]:
        """Return what people and scripts are told of the projects, by name."""
        limit = self._shared.budgets.limits.requests_per_second
        return [_report(polled, limit) for _, polled in sorted(self._projects.items())]

    def saved(self) -> dict[str, SavedProject]:
        """Return what a restart is to keep of each project, by its key in the state file."""
        return {polled.state_key: polled.saved() for polled in self._projects.values()}

    def scraped(self, view_numbers: Mapping[str, int]) -> None:
        """Tell each project which view of it was scraped."""
        for name, view_number in view_numbers.items():
            # What was scraped may have been removed meanwhile.
            if (polled := self._projects.get(name)) is not None:
                polled.poller.scraped(view_number)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Poll, from now on also what is begun later, in a task group."""
        self._tasks = tasks
        self._start(self._projects.values())

    async def stop(self) -> None:
        """Poll no more."""
        await _stopped(self._projects.values())

    async def publish(self) -> None:
        """Publish every project as it is now."""
        await self._publish(self._projects.values())

    async def apply(self, changes: Changes, settings: Settings) -> None:
        """Have the projects of other settings polled, which ``changes`` lead to.

        A project that stays is not touched; one that goes on by another poller stays published as
        it is, and its counters go on.
        """
        self._adjust(changes, settings)
        kept = {project.name for project in changes.kept}
        stopped = {name: of for name, of in self._projects.items() if name not in kept}
        await self._stop(stopped.values())
        for name in stopped:
            del self._projects[name]
        begun = self._build(changes.begun, stopped, settings)
        self._projects |= begun
        await self._publish(begun.values(), without=stopped.keys() - begun.keys())
        self._start(begun.values())

    def _adjust(self, changes: Changes, settings: Settings) -> None:
        shared = self._shared
        shared.budgets.configure(budget_limits_of(settings))
        shared.telemetry.configure(shown_settings_of(settings))
        shared.connections.certificates.set_strict(is_strict=settings.api.tls_strict)
        for project in changes.kept:
            self._projects[project.name].adjust(project, settings)

    async def _stop(self, stopped: Collection[PolledProject]) -> None:
        await _stopped(stopped)
        for polled in stopped:
            self._shared.budgets.keep(polled.access.budget)
            self._last_view_number = max(self._last_view_number, polled.core.view_number)
            # Whoever waits for it waits no longer.
            polled.poller.first_poll_is_published.set()
        if (store := self._shared.store) is not None:
            await asyncio.gather(*(store.save(of.state_key, of.saved()) for of in stopped))

    def _build(
        self, begun: Iterable[Begun], stopped: Mapping[str, PolledProject], settings: Settings
    ) -> dict[str, PolledProject]:
        shared, keys = self._shared, state_keys_of(settings.projects)
        going_on = {begin.former for begin in begun if begin.former == begin.project.name}
        for name in stopped.keys() - going_on:
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
                # It goes on under the other key alone.
                shared.store.forget(former.state_key)
        return built

    async def _publish(
        self, projects: Collection[PolledProject], without: Collection[str] = ()
    ) -> None:
        """Publish projects that were not polled yet: what is known of them was saved before."""
        if not projects and not without:
            return
        views = [polled.poller.view() for polled in projects]
        await self._shared.snapshot.publish(*views, without=without)
        for polled, view in zip(projects, views, strict=True):
            polled.telemetry.published(view)
            polled.poller.published(view)

    def _start(self, projects: Iterable[PolledProject]) -> None:
        if self._tasks is not None:
            for polled in projects:
                polled.task = self._tasks.create_task(polled.poller.run())


def _report(polled: PolledProject, budget_limit: float) -> ProjectReport:
    return ProjectReport(
        polled.poller.status(),
        budget_limit=budget_limit,
        budget=polled.access.budget.requests_per_second,
        requests_in_last_minute=polled.telemetry.requests_in_last_minute(),
        tells_documents=polled.event_log.tells_documents,
    )


async def _stopped(projects: Iterable[PolledProject]) -> None:
    """Cancel the tasks of projects, and wait until they have ended."""
    tasks = [polled.task for polled in projects if polled.task is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
