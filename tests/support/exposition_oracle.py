"""The same families, rendered by prometheus_client: slow, but known to be right."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from exporter.domain import Histogram, ItemStatus, JobStatus, JobView, ProjectView
from exporter.exposition import FAMILIES, Family, Form
from exporter.texts import well_formed

go_float: Callable[[float], str] = floatToGoString
render_openmetrics: Callable[[CollectorRegistry], bytes] = openmetrics.generate_latest
Row = tuple[str, dict[str, str], float | Histogram | None]


def expected_exposition(views: Sequence[ProjectView], form: Form) -> bytes:
    """Render ``views`` with prometheus_client, without ``# EOF``."""
    registry = CollectorRegistry()
    registry.register(collector_of(views))
    return render(registry, form)


def render(registry: CollectorRegistry, form: Form) -> bytes:
    """Render a registry with prometheus_client, without ``# EOF``."""
    if form is Form.TEXT:
        return generate_latest(registry)
    return render_openmetrics(registry).removesuffix(b"# EOF\n")


def collector_of(views: Sequence[ProjectView]) -> Collector:
    """Return a custom collector of the values in ``views``."""
    return _Views(views)


class Ready(Collector):
    """Collects families that were made before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        """Return all of them."""
        return self._families


class _Views(Collector):
    def __init__(self, views: Sequence[ProjectView]) -> None:
        self._views = sorted(views, key=lambda view: view.project)

    def collect(self) -> Iterator[Metric]:
        rows = [row for view in self._views for row in rows_of(view)]
        for family in FAMILIES:
            metric = _metric(family, [row for row in rows if row[0] == family.name])
            if metric.samples:
                yield metric


def _metric(family: Family, rows: Iterable[Row]) -> Metric:
    if family.type == "histogram":
        return _histogram(family, rows)
    kind = CounterMetricFamily if family.type == "counter" else GaugeMetricFamily
    metric: Metric = kind(family.name, family.help)
    for name, labels, value in rows:
        assert not isinstance(value, Histogram)
        if value is not None:
            metric.add_sample(name, labels, value)
    return metric


def _histogram(family: Family, rows: Iterable[Row]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for _, labels, value in rows:
        assert isinstance(value, Histogram)
        bounds = [go_float(bound) for bound in (*value.bounds, float("inf"))]
        buckets = list(zip(bounds, accumulate(value.counts), strict=True))
        metric.add_metric([labels[name] for name in family.labels], buckets, value.sum)
    return metric


def rows_of(view: ProjectView) -> Iterator[Row]:
    """List the values in ``view``: names, labels and values, ``None`` for absent values."""
    for job in view.jobs:
        for name, labels, value in _job_rows(job):
            yield f"llamacloud_batch_job_{name}", _with(view, labels, job_id=job.job_id), value
    for name, labels, value in (*_gauge_rows(view), *_counter_rows(view)):
        yield f"llamacloud_batch_{name}", _with(view, labels), value


def _with(view: ProjectView, labels: dict[str, str], **more: str) -> dict[str, str]:
    named = {"project": view.project, **labels, **more}
    # prometheus_client fails for text that UTF-8 cannot encode.
    return {name: well_formed(value) for name, value in named.items()}


def _job_rows(job: JobView) -> Iterator[Row]:
    info = {"job_type": job.job_type, "directory_id": job.directory_id}
    of_api = {"api_version": job.api_version, "configuration_id": job.configuration_id}
    yield "info", info | of_api, 1
    for status in JobStatus:
        yield "status", {"status": status}, job.status == status
    yield "progress_ratio", {}, job.progress_ratio
    yield "total_items", {}, job.total_items
    yield "processed_items", {}, job.processed_items
    yield "failed_items", {}, job.failed_items
    yield "skipped_items", {}, job.skipped_items
    for reason, count in sorted((job.item_failures or {}).items()):
        yield "item_failures", {"reason": reason}, count
    items = job.items or {}
    for item_status in filter(items.__contains__, ItemStatus):
        yield "items", {"item_status": item_status}, items[item_status]
    yield "created_timestamp_seconds", {}, job.created_at
    yield "started_timestamp_seconds", {}, job.started_at
    yield "completed_timestamp_seconds", {}, job.completed_at
    yield "last_progress_timestamp_seconds", {}, job.last_progress_at
    yield "last_refreshed_timestamp_seconds", {}, job.last_refreshed_at
    yield "items_last_counted_timestamp_seconds", {}, job.items_last_counted_at


def _gauge_rows(view: ProjectView) -> Iterator[Row]:
    if (gauges := view.gauges) is None:
        return
    info = {
        "project_id": gauges.project_id,
        "organization_id": gauges.organization_id,
    }
    yield "project_info", info, 1
    for (job_type, status), count in sorted(gauges.active_jobs.items()):
        yield "active_jobs", {"job_type": job_type, "status": status}, count
    for item_status, count in sorted((gauges.active_items or {}).items()):
        yield "active_items", {"item_status": item_status}, count
    for job_type, count in sorted(gauges.failing_jobs.items()):
        yield "failing_jobs", {"job_type": job_type}, count


def _counter_rows(view: ProjectView) -> Iterator[Row]:
    counters = view.counters
    for (job_type, status), count in sorted(counters.jobs_finished.items()):
        yield "jobs_finished_total", {"job_type": job_type, "status": status}, count
    for (job_type, item_status), count in sorted(counters.items_finished.items()):
        labels: dict[str, str] = {"job_type": job_type, "item_status": item_status}
        yield "items_finished_total", labels, count
    for reason, count in sorted(counters.items_failed.items()):
        yield "items_failed_total", {"reason": reason}, count
    for (job_type, reason), count in sorted(counters.items_skipped.items()):
        yield "items_skipped_total", {"job_type": job_type, "reason": reason}, count
    for job_type in sorted(counters.queue_duration):
        histogram = counters.queue_duration[job_type]
        yield "queue_duration_seconds", {"job_type": job_type}, histogram
    for job_type, status in sorted(counters.run_duration):
        histogram = counters.run_duration[job_type, status]
        yield "run_duration_seconds", {"job_type": job_type, "status": status}, histogram
    for job_type in sorted(counters.turnaround_duration):
        histogram = counters.turnaround_duration[job_type]
        yield "turnaround_duration_seconds", {"job_type": job_type}, histogram
    for job_type in sorted(counters.item_duration):
        histogram = counters.item_duration[job_type]
        yield "item_duration_seconds", {"job_type": job_type}, histogram
