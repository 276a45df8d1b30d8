"""The exporter's own metric families as objects of prometheus_client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from exporter.telemetry.family import OwnFamily
from exporter.telemetry.project_families import OWN_PROJECT_FAMILIES

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


# In the order in which they are exposed.
FAMILIES = (
    OwnFamily(
        "llamacloud_exporter_build_info",
        "gauge",
        ("version", "revision", "python_version"),
        "Version and revision of the exporter, and version of Python, as labels; always 1.",
    ),
    *OWN_PROJECT_FAMILIES,
    OwnFamily(
        "llamacloud_exporter_log_records_dropped_total",
        "counter",
        (),
        "Log records that could not be written because standard error is closed, full or read too"
        " slowly.",
    ),
    OwnFamily(
        "llamacloud_exporter_config_last_reload_successful",
        "gauge",
        (),
        "1 if the last reload of the settings and of the web configuration file succeeded or there"
        " was none, otherwise 0.",
    ),
    OwnFamily(
        "llamacloud_exporter_config_last_reload_success_timestamp_seconds",
        "gauge",
        (),
        "Unix time of the last successful reload of the settings or the web configuration file;"
        " before the first, that of the start.",
    ),
    OwnFamily(
        "llamacloud_exporter_state_last_write_successful",
        "gauge",
        (),
        "1 if the state file contains what is published, 0 if it could not be written or is not"
        " used; absent without state.file.",
    ),
)


class Metrics:
    """Every family of ``FAMILIES`` on ``registry``, by type and name without the prefix."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.gauges: dict[str, Gauge] = {}
        self.counters: dict[str, Counter] = {}
        self.histograms: dict[str, Histogram] = {}
        for family in FAMILIES:
            self._register(family, registry)

    def remove(self, project: str) -> None:
        """Remove the series of a project."""
        metrics = {**self.gauges, **self.counters, **self.histograms}
        for family in OWN_PROJECT_FAMILIES:
            metrics[short_name(family)].remove_by_labels({"project": project})

    def _register(self, family: OwnFamily, registry: CollectorRegistry) -> None:
        name = short_name(family)
        what = (family.name, family.help, family.labels)
        match family.type:
            case "gauge":
                self.gauges[name] = Gauge(*what, registry=registry)
            case "counter":
                self.counters[name] = Counter(*what, registry=registry)
            case "histogram":
                self.histograms[name] = Histogram(*what, registry=registry, buckets=family.buckets)


def short_name(family: OwnFamily) -> str:
    """Return the name of a family without the prefix that all of them have."""
    return family.name.removeprefix("llamacloud_exporter_")
