"""The exporter's own metric families as objects of prometheus_client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from exporter.telemetry.families import FAMILIES
from exporter.telemetry.project_families import PROJECT_FAMILIES

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from exporter.telemetry.family import OwnFamily


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
        for family in PROJECT_FAMILIES:
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
