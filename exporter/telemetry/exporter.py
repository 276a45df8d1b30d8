"""The own metrics of the exporter as a whole, and of its projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import PlatformCollector, ProcessCollector, disable_created_metrics

from exporter.telemetry.metrics import Metrics
from exporter.telemetry.project import ProjectTelemetry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prometheus_client import CollectorRegistry


class Telemetry:
    """The exporter's own metrics on ``registry``.

    ``configured`` holds, by name, the gauges that show settings, which are the same for all
    projects. ``endpoints_of`` holds the endpoints of each API generation. Without ``of_process``
    there are no ``process_*`` and no ``python_info``: printed metrics are often collected by an
    exporter that has its own.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        configured: Mapping[str, float],
        endpoints_of: Mapping[str, Sequence[str]],
        *,
        of_process: bool = True,
    ) -> None:
        # prometheus_client has one switch for all registries of the process.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry, self._metrics = registry, Metrics(registry)
        if of_process:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)
        self._configured = configured
        self._projects: dict[str, ProjectTelemetry] = {}
        self._endpoints_of = endpoints_of
        self._log_records_dropped = 0
        self._settings_loaded = self._web_config_loaded = True

    def project(self, name: str) -> ProjectTelemetry:
        """Start the series of a new project."""
        project = ProjectTelemetry(self._metrics, name, self._configured, self._endpoints_of)
        self._projects[name] = project
        return project

    def remove(self, name: str) -> None:
        """Remove the series of a project."""
        self._projects.pop(name).remove()

    def configure(self, configured: Mapping[str, float]) -> None:
        """Set the gauges that show settings, for all projects."""
        self._configured = configured
        for project in self._projects.values():
            project.configure(configured)

    def build_info(self, version: str, revision: str, python_version: str) -> None:
        """Set the build information; an empty ``revision`` is shown as ``unknown``."""
        labels = (version, revision or "unknown", python_version)
        self._metrics.gauges["build_info"].labels(*labels).set(1)

    def config_loaded(self, *, successful: bool, at: float) -> None:
        """Show whether the settings read ``at`` a Unix time were applied."""
        self._settings_loaded = successful
        self._show_loaded(successful=successful, at=at)

    def web_config_loaded(self, *, successful: bool, at: float) -> None:
        """Show whether the web configuration read ``at`` a Unix time was applied."""
        self._web_config_loaded = successful
        self._show_loaded(successful=successful, at=at)

    def _show_loaded(self, *, successful: bool, at: float) -> None:
        both = self._settings_loaded and self._web_config_loaded
        self._metrics.gauges["config_last_reload_successful"].set(both)
        if successful:
            self._metrics.gauges["config_last_reload_success_timestamp_seconds"].set(at)

    def state_written(self, *, successful: bool) -> None:
        """Show whether the last write of the state file succeeded."""
        self._metrics.gauges["state_last_write_successful"].set(successful)

    def without_state(self) -> None:
        """Remove the metric of the state file, because no file is configured."""
        self._registry.unregister(self._metrics.gauges["state_last_write_successful"])

    def log_records_dropped(self, number: int) -> None:
        """Show how many log records could not be written since the start."""
        self._metrics.counters["log_records_dropped_total"].inc(number - self._log_records_dropped)
        self._log_records_dropped = number
