"""Building everything that runs from the settings."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from exporter import __version__
from exporter.app.access import Budgets
from exporter.app.identity import former_state_keys_of, state_keys_of
from exporter.app.polled_project import ENDPOINTS_OF
from exporter.app.project_set import ProjectSet, Shared, budget_limits_of, shown_settings_of
from exporter.exposition.snapshot import Snapshot
from exporter.pages import PageSource
from exporter.state import StateStore
from exporter.telemetry import Telemetry, render
from exporter.web.routes import Site

if TYPE_CHECKING:
    from exporter.config import Settings
    from exporter.exposition import Form
    from exporter.llamacloud.connections import Connections
    from exporter.logs.redaction import Secrets
    from exporter.logs.writer import LogWriter
    from exporter.web.lifecycle import Lifecycle

# Set by the image's build; no setting, whose names begin otherwise.
REVISION_VARIABLE = "LLAMACLOUD_BATCH_EXPORTER_REVISION"
# Longer than any pause of a loop that is not stuck, and short enough for a restart within minutes.
_LOOPS_ALIVE_WITHIN_SECONDS = 60.0
# The exporter is useful even if a first listing takes longer.
_READY_AFTER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Exporter:
    """Everything that runs."""

    projects: ProjectSet
    snapshot: Snapshot
    registry: CollectorRegistry
    telemetry: Telemetry
    log_writer: LogWriter
    secrets: Secrets
    started_monotonic: float
    store: StateStore | None = None

    def is_healthy(self) -> bool:
        """Return whether the loops of every project are alive, whatever LlamaCloud answers."""
        pollers = self.projects.pollers.values()
        oldest = min((poller.publisher.last_alive_monotonic for poller in pollers), default=0.0)
        return time.monotonic() - oldest < _LOOPS_ALIVE_WITHIN_SECONDS

    def is_ready(self) -> bool:
        """Return whether every project was listed, with success or not, or 30 s have passed."""
        pollers = self.projects.pollers.values()
        tried = all(poller.status().listing_was_tried for poller in pollers)
        return tried or time.monotonic() - self.started_monotonic >= _READY_AFTER_SECONDS

    def own_metrics(self, form: Form) -> bytes:
        """Render the exporter's own metrics, the end of an exposition."""
        self.telemetry.log_records_dropped(self.log_writer.dropped)
        return render(self.registry, form)

    def site(self, telemetry_path: str, lifecycle: Lifecycle | None = None) -> Site:
        """Return what is served over HTTP."""
        return Site(
            published=self.snapshot.published,
            own_metrics=self.own_metrics,
            scraped=self.projects.scraped,
            healthy=self.is_healthy,
            ready=self.is_ready,
            source=PageSource(
                self.projects.reports, self.secrets.redact, __version__, telemetry_path
            ),
            lifecycle=lifecycle,
        )


def assemble(
    settings: Settings,
    connections: Connections,
    secrets: Secrets,
    log_writer: LogWriter,
    *,
    once: bool = False,
) -> Exporter:
    """Build everything; nothing runs yet.

    Later keys are added to ``secrets``. If ``once``, no state file is used, and the own metrics
    leave out those of the process.
    """
    registry = CollectorRegistry()
    telemetry = Telemetry(registry, shown_settings_of(settings), ENDPOINTS_OF, of_process=not once)
    revision = os.environ.get(REVISION_VARIABLE, "")
    telemetry.build_info(__version__, revision, platform.python_version())
    telemetry.config_loaded(successful=True, at=time.time())
    snapshot = Snapshot()
    store = None if once else _opened_state(settings, telemetry)
    if store is None:
        telemetry.without_state()
    shared = Shared(
        connections=connections,
        budgets=Budgets(budget_limits_of(settings)),
        telemetry=telemetry,
        snapshot=snapshot,
        secrets=secrets,
        store=store,
    )
    projects = ProjectSet(settings, shared)
    return Exporter(
        projects, snapshot, registry, telemetry, log_writer, secrets, time.monotonic(), store
    )


def _opened_state(settings: Settings, telemetry: Telemetry) -> StateStore | None:
    """Return the state that the projects continue from, if the settings name a file of it."""
    if settings.state.file is None:
        return None
    return StateStore.open(
        settings.state.file,
        state_keys_of(settings.projects).values(),
        former_state_keys_of(settings.projects),
        written=lambda ok: telemetry.state_written(successful=ok),
    )
