"""An exporter with a custom collector, which creates its families for each scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tests.benchmarks.peers.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client import CollectorRegistry

    from tests.benchmarks.peers.series import Series


class SeriesCollector(Collector):
    """Collects series that were read before."""

    def __init__(self, all_series: Sequence[Series]) -> None:
        self._all_series = all_series

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Make a family of each series."""
        for series in self._all_series:
            family = GaugeMetricFamily(series.name, series.help, labels=series.label_names)
            for label_values, value in series.samples:
                family.add_metric(label_values, value)
            yield family


def fill(registry: CollectorRegistry, all_series: Sequence[Series]) -> None:
    """Register the collector."""
    registry.register(SeriesCollector(all_series))


if __name__ == "__main__":
    serve(fill)
