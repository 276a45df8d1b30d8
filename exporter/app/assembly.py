"""From settings to the objects that do the work."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from exporter import __version__
from exporter.app.access import Budgets, ProjectAccess
from exporter.app.projects import (
    ProjectState,
    least_requests_per_second,
    poller_of,
    state_key_of,
)
from exporter.core.saved import saved_project
from exporter.llamacloud.budget import RequestBudget
from exporter.llamacloud.rate import AllowedRate
from exporter.llamacloud.requests import ENDPOINTS_OF
from exporter.publisher import Publisher
from exporter.snapshot import Snapshot
from exporter.state import StateStore
from exporter.telemetry import Telemetry, render
from exporter.web import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config import Settings
    from exporter.core.saved import SavedProject
    from exporter.exposition import Form
    from exporter.llamacloud.connections import Connections
    from exporter.log_writer import LogWriter
    from exporter.poller import ProjectPoller
    from exporter.redaction import Secrets
    from exporter.state import LoadedState

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
    telemetry: Telemetry
    log_writer: LogWriter
    started_monotonic: float
    store: StateStore | None = None
    state_keys: Mapping[str, str] = field(default_factory=dict)

    def saved(self) -> dict[str, SavedProject]:
        """Return what a restart is to keep of each project, by its key in the state file."""
        return {
            self.state_keys[name]: saved_project(poller.core.table, time.monotonic(), time.time())
            for name, poller in self.pollers.items()
        }

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
        self.telemetry.log_records_dropped(self.log_writer.dropped)
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


def assemble(
    settings: Settings,
    connections: Connections,
    secrets: Secrets,
    log_writer: LogWriter,
    *,
    loaded: LoadedState | None = None,
    of_process: bool = True,
) -> Exporter:
    """Build everything; nothing runs yet.

    ``secrets`` takes in the keys that come later, ``loaded`` is what projects go on from.
    ``of_process``: whether the own metrics hold those of the process, as ``Telemetry`` says.

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
    telemetry = Telemetry(registry, configured, ENDPOINTS_OF, of_process=of_process)
    revision = os.environ.get(REVISION_VARIABLE, "")
    telemetry.build_info(__version__, revision, platform.python_version())
    telemetry.config_loaded(successful=True, at=time.time())
    snapshot = Snapshot()
    publisher = Publisher(snapshot)

    def new_budget(key_name: str) -> RequestBudget:
        rate = AllowedRate(requests_per_second, least=least_requests_per_second(settings))
        return RequestBudget(rate, settings.api.concurrency, time.monotonic, key_name=key_name)

    budgets = Budgets(new_budget)
    store = _store(loaded, telemetry)
    keys = {project.name: state_key_of(project) for project in settings.projects}
    pollers: dict[str, ProjectPoller] = {}
    for project in settings.projects:
        state = None
        if loaded is not None and store is not None:
            key = keys[project.name]
            state = ProjectState(store, key, loaded.projects.get(key))
        access = ProjectAccess(project, budgets, secrets)
        pollers[project.name] = poller_of(
            settings, project, connections, telemetry, publisher, access=access, state=state
        )
    return Exporter(
        pollers, snapshot, registry, telemetry, log_writer, time.monotonic(), store, keys
    )


def _store(loaded: LoadedState | None, telemetry: Telemetry) -> StateStore | None:
    if loaded is None:
        telemetry.without_state()
        return None
    return StateStore(loaded, written=lambda ok: telemetry.state_written(successful=ok))
