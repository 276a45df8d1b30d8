"""The own metric families as prometheus_client's objects, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from exporter.telemetry.families import FAMILIES

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from exporter.exposition import Family

_PREFIX = "llamacloud_exporter_"
_BUCKETS = {
    "poll_duration_seconds": (
        *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
        *(60.0, 300.0, 900.0, 3600.0),
    ),
    "api_request_duration_seconds": (
        *(0.1, 0.25, 0.5),
        *(1.0, 2.5, 5.0, 10.0, 30.0),
    ),
}


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
        for family in FAMILIES:
            if "project" in family.labels:
                metrics[family.name.removeprefix(_PREFIX)].remove_by_labels({"project": project})

    def _register(self, family: Family, registry: CollectorRegistry) -> None:
        name = family.name.removeprefix(_PREFIX)
        what = (family.name, family.help, family.labels)
        match family.type:
            case "gauge":
                self.gauges[name] = Gauge(*what, registry=registry)
            case "counter":
                self.counters[name] = Counter(*what, registry=registry)
            case "histogram":
                buckets = _BUCKETS[name]
                self.histograms[name] = Histogram(*what, registry=registry, buckets=buckets)
