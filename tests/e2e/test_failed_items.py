"""A failed item leads to a notification, and its job's departure to another: end to end."""

from __future__ import annotations

import re
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.addresses import reserved_address, text_only_proxy
from tests.e2e.alertmanager import Receiver, receiving, running_alertmanager
from tests.e2e.scraping_config import prometheus_config
from tests.e2e.shortening import alertmanager_config, shortened_rules
from tests.support.deployed import alerts
from tests.support.exporter_process import Exporter, running
from tests.support.projects import Scrape, project, settings_file
from tests.support.prometheus import Prometheus, running_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cloud import Cloud

ALERT = "LlamaCloudBatchItemsFailed"
JOB = {"project": "team", "job_id": "job-of-team"}
FIRING = f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}'
MISSED = 'ALERTS{alertname="LlamaCloudExporterAbsent",project=""}'
FAILED_ITEMS = 'llamacloud_batch_job_failed_items{job="openmetrics"}'
# keep_firing_for is 22 seconds then: a busy machine may take long to start a process.
RULES_SHORTER = 40
# With a message a second, every change of the alert is notified.
MESSAGES_SHORTER = 300
WITHIN_SECONDS = 90.0
STEP_SECONDS = 0.25
NO_SAMPLE_IS_LOST = (
    "prometheus_target_scrapes_sample_duplicate_timestamp_total",
    "prometheus_target_scrapes_sample_out_of_order_total",
    "prometheus_target_scrapes_sample_out_of_bounds_total",
    "prometheus_target_scrapes_exceeded_sample_limit_total",
    "prometheus_target_scrapes_exceeded_body_size_limit_total",
    "prometheus_target_scrapes_exemplar_out_of_order_total",
    "prometheus_target_scrape_pool_exceeded_label_limits_total",
    "prometheus_tsdb_out_of_order_samples_total",
    "prometheus_tsdb_out_of_bound_samples_total",
    "prometheus_rule_evaluation_failures_total",
    "prometheus_notifications_dropped_total",
)


@dataclass
class Watched:
    """Everything that runs beside the exporter, whose address and settings stay the same."""

    cloud: Cloud
    prometheus: Prometheus
    receiver: Receiver
    flags: tuple[str, ...]

    def exporter(self) -> Any:
        """Run the exporter until the end of a block."""
        return running(*self.flags)

    def wait_for_notification(self, status: str) -> None:
        """Wait until the last notification of the alert has this status."""
        self.prometheus.wait_for(
            lambda: (
                [each["status"] for each in self.receiver.notifications(ALERT)][-1:] == [status]
            ),
            missing=lambda: self.receiver.messages,
            within_seconds=WITHIN_SECONDS,
        )

    def wait_for_targets(self, up: int) -> None:
        """Wait until both targets are up (1) or down (0)."""
        query = f"up == {up}"
        self.prometheus.wait_for(lambda: len(self.prometheus.query(query)) == 2)

    def firing_until_now(self, since: float) -> tuple[int, int]:
        """Return the number of evaluations so far, and in how many of them the alert fired.

        A query between two evaluations returns the result of the former, unless the alert had ended
        there.
        """
        now = time.time()
        matrix = self.prometheus.request(
            "/api/v1/query_range",
            query=FIRING,
            start=f"{since:.3f}",
            end=f"{now:.3f}",
            step=f"{STEP_SECONDS}",
        )["result"]
        moments = int((now - since) / STEP_SECONDS) + 1
        return moments, sum(len(series["values"]) for series in matrix)


@pytest.fixture
def watched(cloud: Cloud, tmp_path: Path) -> Iterator[Watched]:
    """Run the simulator, Alertmanager, and Prometheus with both exposition formats as targets."""
    entry = project(cloud, "team")
    with ExitStack() as stack:
        enter = stack.enter_context
        address = enter(reserved_address())
        receiver = enter(receiving())
        alertmanager = enter(
            running_alertmanager(alertmanager_config(receiver.url, by=MESSAGES_SHORTER))
        )
        config = prometheus_config(
            {"openmetrics": address, "text": enter(text_only_proxy(address))},
            shortened_rules(tmp_path, by=RULES_SHORTER),
            alertmanager=alertmanager.address,
            # Both targets are the same exporter.
            labels={"instance": "exporter"},
        )
        prometheus = enter(running_prometheus(config))
        flags = (
            settings_file(tmp_path, [entry], retention={"finished": "2s", "failed": "2s"}),
            f"--web.listen-address={address}",
        )
        yield Watched(cloud, prometheus, receiver, flags)


@pytest.mark.timeout(300)
def test_failed_items_are_notified_once_and_resolved_when_the_job_has_left(
    watched: Watched,
) -> None:
    """A crash of the exporter in between changes nothing, and Prometheus reports no problem."""
    prometheus = watched.prometheus
    # An exporter that was never scraped is reported as absent.
    prometheus.wait_for(lambda: prometheus.query(MISSED) != [])
    with watched.exporter() as exporter:
        watched.wait_for_targets(up=1)
        watched.wait_for_notification("firing")
        since = time.time()
        assert 1 == len(prometheus.query(FIRING))
        check_both_formats(prometheus)
        crash(exporter)
        watched.wait_for_targets(up=0)
        assert [] == prometheus.query(FAILED_ITEMS)
    with watched.exporter():
        watched.wait_for_targets(up=1)
        prometheus.wait_for(lambda: prometheus.query(FAILED_ITEMS) != [])
        end_job(watched.cloud)
        prometheus.wait_for(lambda: prometheus.query(FAILED_ITEMS) == [])
        moments, fired = watched.firing_until_now(since)
        assert moments == fired
        watched.wait_for_notification("resolved")
        assert [] == prometheus.query(FIRING)
    assert [expected_notification("firing"), expected_notification("resolved")] == received_by(
        watched.receiver
    )
    check_no_errors(prometheus)


def crash(exporter: Exporter) -> None:
    assert -signal.SIGKILL == exporter.stop(signal.SIGKILL)[0]


def end_job(cloud: Cloud) -> None:
    job = cloud.world.jobs[JOB["job_id"]]
    for item in job.items:
        if item.status == "pending":
            item.status = "completed"
    job.completed_at = cloud.world.clock()
    job.status = "completed"


def expected_notification(status: str) -> dict[str, Any]:
    """Return the notification that is expected for a status of the alert."""
    (alert,) = (each for each in alerts() if each["alert"] == ALERT)
    values = {"$value": "1"} | {f"$labels.{name}": value for name, value in JOB.items()}

    def filled_in(text: str) -> str:
        for name, value in values.items():
            text = re.sub(rf"{{{{ (urlquery )?{re.escape(name)} }}}}", value, text)
        # The job has neither a cluster nor a namespace.
        return re.sub(r"\{\{ with \$labels\.\w+ \}\}.*?\{\{ end \}\}", "", text)

    return {
        "status": status,
        "labels": {"alertname": ALERT, **alert["labels"], **JOB},
        "annotations": {name: filled_in(text) for name, text in alert["annotations"].items()},
    }


def received_by(receiver: Receiver) -> list[dict[str, Any]]:
    kept = ("status", "labels", "annotations")
    return [{name: each[name] for name in kept} for each in receiver.notifications(ALERT)]


def check_both_formats(prometheus: Prometheus) -> None:
    """Both formats have the same series, and the counter has the name that each format gives it."""
    families = {
        "openmetrics": "llamacloud_batch_items_finished",
        "text": "llamacloud_batch_items_finished_total",
    }
    for form, family in families.items():
        target = f'{{job="{form}"}}'
        metadata = prometheus.request(
            "/api/v1/targets/metadata", match_target=target, metric=family
        )
        assert ["counter"] == [each["type"] for each in metadata]
    prometheus.wait_for(
        lambda: series_of(prometheus, "text") == series_of(prometheus, "openmetrics")
    )
    assert len(series_of(prometheus, "text")) > 100


def series_of(prometheus: Prometheus, job: str) -> set[tuple[tuple[str, str], ...]]:
    found = prometheus.request(
        "/api/v1/series", **{"match[]": f'{{job="{job}",__name__=~"llama.+"}}'}
    )
    return {
        tuple(sorted((name, value) for name, value in series.items() if name != "job"))
        for series in found
    }


def check_no_errors(prometheus: Prometheus) -> None:
    """The log has no warning, Prometheus counts no error, and every rule was evaluated."""
    assert [] == [line for line in prometheus.log() if line["level"] not in {"debug", "info"}]
    own = Scrape(prometheus.get("/metrics")[1])
    # Each metric exists; some have a series for each group of rules or each Alertmanager.
    assert {name: {0.0} for name in NO_SAMPLE_IS_LOST} == {
        name: set(own.values(name)) for name in NO_SAMPLE_IS_LOST
    }
    groups = prometheus.request("/api/v1/rules")["groups"]
    assert {"ok"} == {rule["health"] for group in groups for rule in group["rules"]}
