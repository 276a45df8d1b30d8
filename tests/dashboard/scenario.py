"""Jobs in every state, the exporters that poll them, and the Prometheus that scrapes them all."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from exporter.simulator import DEFAULT_PROJECT_ID, Fault, items_of
from tests.support.cloud import KEY, Cloud, running_cloud
from tests.support.deployed import DEPLOY, RULE_FILES
from tests.support.exporter_process import Exporter, running
from tests.support.prometheus import Prometheus, running_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.dashboard_queries import Query

HOUR = 3600.0
EMPTY_PROJECT_ID = "e3b0c442-98fc-4c14-9afb-f4c8996fb924"
STATES = {
    "job-running": "running",
    "job-stuck": "running",
    "job-queued": "pending",
    "job-dispatched": "dispatched",
    "job-failed": "failed",
    "job-finished": "completed",
    "job-cancelled": "cancelled",
}


@dataclass
class Scene:
    """One simulated LlamaCloud, whose exporters Prometheus scrapes as one of several clusters."""

    cluster: str
    cloud: Cloud
    exporters: list[Exporter]
    prometheus: Prometheus
    began_at: float

    def answer(self, query: Query, **picked: str) -> list[dict[str, Any]]:
        """Return the answer to a panel's query, for the time since the scene began."""
        promql = query.picking(cluster=self.cluster, **picked)
        if query.instant:
            return self.prometheus.query(promql)
        moments = {"start": str(self.began_at), "end": str(time.time()), "step": "1"}
        found = self.prometheus.request("/api/v1/query_range", query=promql, **moments)
        series: list[dict[str, Any]] = found["result"]
        return series

    def move_on(self) -> None:
        """Complete one more item of the running job."""
        for item in self.cloud.world.jobs["job-running"].items:
            if item.status == "pending":
                item.status, item.started_at = "completed", time.time() - 2
                item.completed_at = time.time()
                return

    def end_a_job(self) -> None:
        """Complete the waiting job, with items that ended in every status."""
        job = self.cloud.world.jobs["job-finished"]
        now = time.time()
        job.items = items_of(
            job.id,
            started_at=now - 20,
            completed_at=now - 5,
            completed=5,
            failed=1,
            skipped=2,
            cancelled=1,
        )
        job.status, job.started_at, job.completed_at = "completed", now - 30, now

    def fail_listings(self, *, times: int | None = None, project_id: str | None = None) -> None:
        """Answer ``times`` listing requests with 500, or all; each listing is tried three times."""
        fault = Fault("status", code=500, endpoint="list_jobs", times=times, project_id=project_id)
        self.cloud.simulator.faults.add(fault)


@dataclass(frozen=True)
class Plan:
    """The size of one scene: a number of exporters, and their settings."""

    exporters: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def scenes(plans: Mapping[str, Plan]) -> Iterator[dict[str, Scene]]:
    """Run a scene for each plan until the end of the block, with one Prometheus for all.

    Prometheus scrapes nothing in its first five seconds, so one for each scene would take longer.
    """
    with ExitStack() as stack:
        clouds = {name: stack.enter_context(running_cloud()) for name in plans}
        exporters = {
            name: [
                stack.enter_context(running(**_variables(clouds[name], plan)))
                for _ in range(plan.exporters)
            ]
            for name, plan in plans.items()
        }
        rules = hurried_rules(Path(stack.enter_context(TemporaryDirectory())))
        targets = {name: list(map(_address_of, started)) for name, started in exporters.items()}
        prometheus = stack.enter_context(running_prometheus(deployed_config(targets, rules)))
        for exporter in chain.from_iterable(exporters.values()):
            exporter.wait_for_metric("llamacloud_batch_job_items{")
        now = time.time()
        yield {name: Scene(name, clouds[name], exporters[name], prometheus, now) for name in plans}


def _variables(cloud: Cloud, plan: Plan) -> dict[str, str]:
    cloud.world.add_key(KEY, DEFAULT_PROJECT_ID, EMPTY_PROJECT_ID)
    if not cloud.world.jobs:
        _add_jobs(cloud)
    variables = {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": cloud.base_url,
        "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "6000",
        "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "1s",
    }
    return variables | dict(plan.settings)


def hurried_rules(folder: Path) -> Path:
    """Write the rules to a folder, with windows that fit polls once a second."""
    for file in RULE_FILES:
        (folder / file.name).write_text(file.read_text().replace(":30s]", ":1s]"))
    return folder


def deployed_config(targets: Mapping[str, list[str]], rules: Path) -> str:
    """Return the deployed configuration with short intervals, other targets and no Alertmanager.

    Targets are named by their cluster.
    """
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    job["static_configs"] = [
        {"targets": addresses, "labels": {"cluster": cluster}}
        for cluster, addresses in targets.items()
    ]
    config["global"] = dict.fromkeys(
        ("scrape_interval", "scrape_timeout", "evaluation_interval"), "1s"
    )
    config["rule_files"] = [str(rules / file.name) for file in RULE_FILES]
    del config["alerting"]
    return json.dumps(config)  # JSON is YAML.


def _address_of(exporter: Exporter) -> str:
    page: str = exporter.events("exporter.listening")[0]["open_in_browser"]
    return urlsplit(page).netloc


def _add_jobs(cloud: Cloud) -> None:
    now = time.time()
    old = {"created_at": now - 2 * HOUR}
    begun = old | {"started_at": now - HOUR}
    cloud.add_job(
        "job-running",
        items=items_of("job-running", completed=3, failed=1, pending=200, started_at=now - 20),
    )
    stuck = items_of("job-stuck", processing=5, pending=5, started_at=now - HOUR)
    cloud.add_job("job-stuck", job_type="extract", items=stuck, **begun)
    queued = items_of("job-queued", pending=4)
    cloud.add_job(
        "job-queued", job_type="classify", status="pending", items=queued, **old, started_at=None
    )
    cloud.add_job("job-dispatched", status="dispatched", items=[], started_at=None)
    failed = items_of("job-failed", failed=4, completed=1, started_at=now - HOUR)
    cloud.add_job(
        "job-failed",
        job_type="extract",
        status="failed",
        items=failed,
        error_message="No",
        completed_at=now - 60,
        **begun,
    )
    cloud.add_job("job-cancelled", status="cancelled", items=[], completed_at=now - 60, **begun)
    cloud.add_job("job-finished", status="pending", items=[], started_at=None)
