"""From settings to the objects that do the work."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from exporter import __version__
from exporter.app.access import Budgets
from exporter.app.project_set import ProjectSet, budget_limits_of, shown_settings_of
from exporter.app.projects import Shared
from exporter.llamacloud.requests import ENDPOINTS_OF
from exporter.pages import Source
from exporter.publisher import Publisher
from exporter.snapshot import Snapshot
from exporter.state import StateStore
from exporter.telemetry import Telemetry, render
from exporter.web import Site

if TYPE_CHECKING:
    from exporter.config import Settings
    from exporter.exposition import Form
    from exporter.lifecycle import Lifecycle
    from exporter.llamacloud.connections import Connections
    from exporter.log_writer import LogWriter
    from exporter.redaction import Secrets
    from exporter.state import LoadedState

# What an image sets, not a setting: those are named otherwise, and documented.
REVISION_VARIABLE = "LLAMACLOUD_BATCH_EXPORTER_REVISION"
# Far beyond any pause that is not a stuck loop, and short enough to be restarted within minutes.
_LOOPS_ALIVE_WITHIN_SECONDS = 60.0
# So long may a first listing keep the exporter from being ready: it is useful without it too.
_READY_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Exporter:
    """All that runs, and what it publishes."""

    projects: ProjectSet
    snapshot: Snapshot
    registry: CollectorRegistry
    telemetry: Telemetry
    log_writer: LogWriter
    secrets: Secrets
    started_monotonic: float
    store: StateStore | None = None

    def is_healthy(self) -> bool:
        """Tell whether every project's loops are alive; LlamaCloud's health is not asked."""
        pollers = self.projects.pollers.values()
        oldest = min((poller.last_alive_monotonic for poller in pollers), default=0.0)
        return time.monotonic() - oldest < _LOOPS_ALIVE_WITHIN_SECONDS

    def is_ready(self) -> bool:
        """Tell whether every project's first listing was tried, or long enough waited for."""
        pollers = self.projects.pollers.values()
        tried = all(poller.status().listing_was_tried for poller in pollers)
        return tried or time.monotonic() - self.started_monotonic >= _READY_AFTER_SECONDS

    def own_metrics(self, form: Form) -> bytes:
        """Render the exporter's own metrics, the end of an exposition."""
        self.telemetry.log_records_dropped(self.log_writer.dropped)
        return render(self.registry, form)

    def site(self, telemetry_path: str, lifecycle: Lifecycle | None = None) -> Site:
        """Describe what is served over HTTP."""
        return Site(
            published=self.snapshot.published,
            own_metrics=self.own_metrics,
            scraped=self.projects.scraped,
            healthy=self.is_healthy,
            ready=self.is_ready,
            source=Source(
                self.projects.reports, self.secrets.taken_out_of, __version__, telemetry_path
            ),
            lifecycle=lifecycle,
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
    telemetry = Telemetry(
        registry, shown_settings_of(settings), ENDPOINTS_OF, of_process=of_process
    )
    revision = os.environ.get(REVISION_VARIABLE, "")
    telemetry.build_info(__version__, revision, platform.python_version())
    telemetry.config_loaded(successful=True, at=time.time())
    snapshot = Snapshot()
    store = _store(loaded, telemetry)
    shared = Shared(
        connections=connections,
        budgets=Budgets(budget_limits_of(settings)),
        telemetry=telemetry,
        publisher=Publisher(snapshot),
        secrets=secrets,
        store=store,
    )
    projects = ProjectSet(settings, shared)
    return Exporter(
        projects, snapshot, registry, telemetry, log_writer, secrets, time.monotonic(), store
    )


def _store(loaded: LoadedState | None, telemetry: Telemetry) -> StateStore | None:
    if loaded is None:
        telemetry.without_state()
        return None
    return StateStore(loaded, written=lambda ok: telemetry.state_written(successful=ok))
