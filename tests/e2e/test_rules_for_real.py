"""Every rule is evaluated by a real Prometheus that scrapes real exporters."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.alertmanager import receiving, running_alertmanager
from tests.e2e.meanwhile import Wavering, Work
from tests.e2e.scraping_config import discovering, leave, prometheus_config
from tests.e2e.shortening import alertmanager_config, shortened_rules
from tests.e2e.troubles import (
    FIRES,
    HEALTHY,
    JOBS_FOR_A_SMALL_BUDGET,
    NEVER_LISTED,
    SHOWN_JOBS,
    SMALL_BUDGET,
    SMALL_LIMITS,
    SUPPRESSED,
    begin_trouble,
    job_id_of,
    troubled_projects,
    well,
)
from tests.support.cloud import Cloud, running_cloud
from tests.support.deployed import alerts, records
from tests.support.exporter_process import Exporter, running
from tests.support.projects import scrape, settings_file
from tests.support.prometheus import Prometheus, running_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.support.daemon import Daemon

TIMES_SHORTER = 120
WITHIN_SECONDS = 150.0
ABOUT_SCRAPES = {"LlamaCloudExporterAbsent", "LlamaCloudExporterUnsteady"}
MISSED_SCRAPES = (
    "group by (project) (last_over_time(llamacloud_exporter_project_up[10m])"
    " and on (instance) min_over_time(up[10m]) == 0)"
)
SERVED = "project_job_instance:llamacloud_exporter_served_timestamp_seconds:max"
FIRED = 'max_over_time(ALERTS{alertstate="firing"}[1h])'
ACTIVE_JOBS = "project:llamacloud_batch_active_jobs:sum"
# Recorded values of the projects with faults that are known exactly.
TRUE = {
    ("project_job_id:llamacloud_batch_job_failed_items:max", "many-failed"): 6.0,
    ("project_job_id:llamacloud_batch_job_processed_items:max", "stuck"): 2.0,
    ("project:llamacloud_batch_failing_jobs:sum", "many-failed"): 1.0,
    # Jobs hidden by the cap are counted, and jobs that two exporters publish count once.
    (ACTIVE_JOBS, "hidden"): 2.0 * SHOWN_JOBS - 2,
    (ACTIVE_JOBS, "several"): 1.0,
}

WAITING = "project_job_id:llamacloud_batch_job_waiting_seconds:max"
# Nothing fails in a healthy project, and none of its jobs ends meanwhile.
ZERO_WHERE_ALL_IS_WELL = re.compile("failed|failing|jobs_finished")


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Run the simulator with all faulty projects."""
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def exporters(cloud: Cloud, tmp_path: Path) -> Iterator[dict[str, Exporter]]:
    """Run six exporters, and wait until they have listed what they can."""
    projects = troubled_projects(cloud)
    with ExitStack() as stack:

        def start(name: str, entries: Iterable[dict[str, Any]], **settings: Any) -> Exporter:
            folder = tmp_path / name
            folder.mkdir()
            return stack.enter_context(running(settings_file(folder, entries, **settings)))

        # Without the limits of the other exporter.
        spacious = stack.enter_context(running_cloud())
        small_budget = well(spacious, "small-budget", more_jobs=JOBS_FOR_A_SMALL_BUDGET)
        other_of_that_name = well(spacious, "not-mixed") | {"name": "mixed"}
        started = {
            "troubled": start("troubled", projects.values(), **SMALL_LIMITS),
            "frugal": start(
                "frugal", [small_budget, projects["several"], other_of_that_name], **SMALL_BUDGET
            ),
            "doomed": start("doomed", [well(spacious, "absent")]),
            "leaving": start("leaving", [well(spacious, "left")]),
            "wavering": start("wavering", [well(spacious, "unsteady")]),
            "forgetful": start(
                "forgetful",
                [well(spacious, "state-not-written")],
                state={"file": str(tmp_path / "missing" / "exporter.state")},
            ),
        }
        wait_until_listed(started["troubled"], projects.keys() - NEVER_LISTED)
        wait_until_listed(started["frugal"], {"small-budget", "several", "mixed"})
        wait_until_listed(started["doomed"], {"absent"})
        wait_until_listed(started["leaving"], {"left"})
        wait_until_listed(started["wavering"], {"unsteady"})
        wait_until_listed(started["forgetful"], {"state-not-written"})
        yield started


@pytest.fixture
def alertmanager() -> Iterator[Daemon]:
    """Run Alertmanager; its notifications are checked by another test."""
    with receiving() as receiver:
        config = alertmanager_config(receiver.url, by=TIMES_SHORTER)
        with running_alertmanager(config) as alertmanager:
            yield alertmanager


@pytest.fixture
def prometheus(
    exporters: dict[str, Exporter], alertmanager: Daemon, tmp_path: Path
) -> Iterator[Prometheus]:
    """Run Prometheus until it has scraped all exporters, and remove one of its targets."""
    config = prometheus_config(
        targets := {name: address_of(exporter) for name, exporter in exporters.items()},
        shortened_rules(tmp_path, by=TIMES_SHORTER),
        alertmanager=alertmanager.address,
    )
    discovered = tmp_path / "leaving.json"
    with running_prometheus(discovering(config, "leaving", discovered)) as prometheus:
        prometheus.wait_for(lambda: len(prometheus.query("up == 1")) == len(targets))
        prometheus.wait_for(lambda: len(prometheus.query(f'{SERVED}{{project="left"}}')) == 1)
        leave(discovered)
        yield prometheus


@pytest.mark.timeout(300)
def test_every_alert_fires_where_it_should_and_nowhere_else(
    cloud: Cloud, exporters: dict[str, Exporter], prometheus: Prometheus, alertmanager: Daemon
) -> None:
    """Each cause raises one alert, and a healthy project has every recorded series."""
    work = Work(cloud, HEALTHY)
    wavering = Wavering(exporters["wavering"].process)
    begin_trouble(cloud)
    exporters["doomed"].process.kill()

    def all_have_fired() -> bool:
        wavering.go_on()
        return work.progress() and missing(prometheus) == {}

    prometheus.wait_for(
        all_have_fired, missing=lambda: missing(prometheus), within_seconds=WITHIN_SECONDS
    )
    wavering.stay()
    assert {alert["alert"] for alert in alerts()} == set().union(*FIRES.values())
    assert FIRES == {name: set() for name in FIRES} | fired(prometheus)
    prometheus.wait_for(
        lambda: suppressed(alertmanager, prometheus) == SUPPRESSED,
        missing=lambda: suppressed(alertmanager, prometheus),
    )
    each_job_alert_names_its_job(prometheus)
    records_hold_what_is_true(prometheus)
    groups = prometheus.request("/api/v1/rules")["groups"]
    assert {"ok"} == {rule["health"] for group in groups for rule in group["rules"]}


def fired(prometheus: Prometheus) -> dict[str, set[str]]:
    """Return the alerts that have fired so far, by project.

    The alert without a project is left out: Prometheus loads its rules before its targets, so the
    exporter is absent at first.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for labels in labels_of_fired(prometheus):
        if "project" in labels or labels["alertname"] != "LlamaCloudExporterAbsent":
            found[labels["project"]].add(labels["alertname"])
    return without_missed_scrapes(dict(found), prometheus)


def without_missed_scrapes(
    found: dict[str, set[str]], prometheus: Prometheus
) -> dict[str, set[str]]:
    """Leave out true alerts about exporters that a busy machine kept from answering in time.

    The test itself killed one of them, and may stop another for longer than intended.
    """
    missed = {series["metric"]["project"] for series in prometheus.query(MISSED_SCRAPES)}
    return {
        name: alerts - (ABOUT_SCRAPES - FIRES[name]) if name in missed - {"absent"} else alerts
        for name, alerts in found.items()
    }


def labels_of_fired(prometheus: Prometheus) -> list[dict[str, str]]:
    return [series["metric"] for series in prometheus.query(FIRED)]


def missing(prometheus: Prometheus) -> dict[str, set[str]]:
    """Return what should have fired."""
    seen = fired(prometheus)
    unseen = {name: expected - seen.get(name, set()) for name, expected in FIRES.items()}
    return {name: alerts for name, alerts in unseen.items() if alerts}


def suppressed(alertmanager: Daemon, prometheus: Prometheus) -> dict[str, set[str]]:
    """Return the alerts that are inhibited because another one of their project explains them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for alert in json.loads(alertmanager.get("/api/v2/alerts")[1]):
        if alert["status"]["state"] == "suppressed":
            found[alert["labels"]["project"]].add(alert["labels"]["alertname"])
    alerts_by_project = without_missed_scrapes(dict(found), prometheus)
    return {name: alerts for name, alerts in alerts_by_project.items() if alerts}


def each_job_alert_names_its_job(prometheus: Prometheus) -> None:
    """Every project's job alerts name the project's first job."""
    about_jobs = [labels for labels in labels_of_fired(prometheus) if "job_id" in labels]
    assert [job_id_of(labels["project"]) for labels in about_jobs] == [
        labels["job_id"] for labels in about_jobs
    ]


def records_hold_what_is_true(prometheus: Prometheus) -> None:
    """The healthy project has every recorded series: nothing fails there, and it is never idle."""
    healthy = {each["record"]: greatest(prometheus, each["record"], HEALTHY) for each in records()}
    # No job waits there.
    assert healthy.pop(WAITING) is None
    assert {name: not ZERO_WHERE_ALL_IS_WELL.search(name) for name in healthy} == {
        name: value is not None and value > 0 for name, value in healthy.items()
    }
    assert None not in healthy.values()
    assert TRUE == {key: greatest(prometheus, *key) for key in TRUE}


def greatest(prometheus: Prometheus, record: str, project: str) -> float | None:
    """Return the greatest value recorded of a project so far."""
    query = f'max(max_over_time({record}{{project="{project}"}}[1h]))'
    return next((float(each["value"][1]) for each in prometheus.query(query)), None)


def wait_until_listed(exporter: Exporter, projects: set[str]) -> None:
    """Wait for the first listing, before which a new exporter would raise an alert."""

    def all_listed() -> bool:
        scraped = scrape(exporter)
        return all(scraped.own("project_up", project=name) == [1.0] for name in projects)

    exporter.wait_for(all_listed)


def address_of(exporter: Exporter) -> str:
    metrics: str = exporter.events("exporter.listening")[0]["metrics"]
    return urlsplit(metrics).netloc
