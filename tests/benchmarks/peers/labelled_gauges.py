"""An exporter that keeps each series in a labelled gauge of prometheus_client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Gauge

from tests.benchmarks.peers.serving import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

    from tests.benchmarks.peers.series import Series


def fill(registry: CollectorRegistry, all_series: Sequence[Series]) -> None:
    """Set a gauge for each sample."""
    for series in all_series:
        gauge = Gauge(series.name, series.help, series.label_names, registry=registry)
        for label_values, value in series.samples:
            (gauge.labels(*label_values) if label_values else gauge).set(value)


if __name__ == "__main__":
    serve(fill)
