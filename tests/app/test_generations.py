"""The generations of LlamaCloud's API that a project is read by, from the settings to /metrics."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from exporter.app.project_set import budget_limits_of
from exporter.config import load
from tests.support.cloud import KEY
from tests.support.exporter_process import run
from tests.support.projects import Scrape, project, project_id_of, settings_file
from tests.support.tools import check_metrics

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.endpoints import ApiVersion
    from tests.support.cloud import Cloud

# A full listing of v2: recent batches, and active ones by each of three statuses.
_OF_V1BETA = {"list_jobs": 1, "job_status": 1, "list_items": 1}
_OF_V2 = {"list_batches": 4, "batch": 1, "list_parse_jobs": 1}


def requests_of(cloud: Cloud, name: str) -> Counter[str]:
    """Count the requests about a project, by endpoint."""
    requests = cloud.simulator.requests
    mine = [r for r in requests if r.params.get("project_id") == project_id_of(name)]
    return Counter(str(request.endpoint) for request in mine)


def test_each_project_is_read_by_the_generations_that_the_settings_name(
    cloud: Cloud, tmp_path: Path
) -> None:
    """A project is read by its own versions, or else by those of all projects."""
    cloud.simulator.v2.results_in = frozenset({"RUNNING"})
    versions_of: dict[str, dict[str, Any]] = {
        "both": {},
        "jobs": {"api_versions": ["v1beta"]},
        "batches": {"api_versions": "v2"},
    }
    entries = [project(cloud, name, **versions) for name, versions in versions_of.items()]
    for name in versions_of:
        cloud.add_batch(f"bat-of-{name}", project_id=project_id_of(name))
    # An interval in which each job is requested once, also on a busy machine.
    ended = run("--once", settings_file(tmp_path, entries, poll={"interval": "20s"}))
    assert 0 == ended.returncode, ended.stderr
    check_metrics(ended.stdout.encode())
    jobs = Scrape(ended.stdout).series("llamacloud_batch_job_info")
    assert {
        ("both", "job-of-both", "v1beta"),
        ("both", "bat-of-both", "v2"),
        ("jobs", "job-of-jobs", "v1beta"),
        ("batches", "bat-of-batches", "v2"),
    } == {(job["project"], job["job_id"], job["api_version"]) for job in jobs}
    assert _OF_V1BETA | _OF_V2 == requests_of(cloud, "both")
    assert _OF_V1BETA == requests_of(cloud, "jobs")
    assert _OF_V2 == requests_of(cloud, "batches")


@pytest.mark.parametrize(
    ("versions", "requests"), [("v1beta", 1), ("v1beta,v2", 2), ("v2,v1beta", 2)]
)
def test_a_budget_never_falls_below_a_listing_by_each_generation(
    versions: str, requests: int
) -> None:
    """A 429, however often, leaves one listing an interval."""
    projects = json.dumps([{"name": "one", "api_versions": "v2"}, {"name": "two"}])
    environ = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMACLOUD_EXPORTER_PROJECTS": projects}
    flags = ["--poll.interval=20s", f"--api.versions={versions}"]
    assert requests / 20 == budget_limits_of(load(flags, environ).settings).least


@pytest.mark.parametrize(
    ("withdrawn", "status", "offered"),
    [
        (["v2"], 0, {"v1beta": 1, "v2": 0}),
        (["v1beta"], 0, {"v1beta": 0, "v2": 1}),
        # Nothing shows then that the other generation would answer.
        (["v1beta", "v2"], 1, {}),
    ],
)
def test_once_fails_only_where_every_generation_is_refused(
    cloud: Cloud, tmp_path: Path, withdrawn: list[ApiVersion], status: int, offered: dict[str, int]
) -> None:
    """A generation that LlamaCloud does not offer is logged, and is no failure."""
    cloud.simulator.withdrawn.update(dict.fromkeys(withdrawn, 404))
    entries = [project(cloud, "invoices")]
    flag = settings_file(tmp_path, entries, poll={"interval": "20s"})
    ended = run("--once", "--log.format=json", flag)
    assert status == ended.returncode, ended.stderr
    scrape = Scrape(ended.stdout)
    assert [1 - status] == scrape.own("project_up")
    assert offered == {
        version: value
        for version in ("v1beta", "v2")
        for value in scrape.own("api_offered", api_version=version)
    }
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    aside = [line["api_version"] for line in lines if line["event"] == "api.set_aside"]
    assert ([] if status else withdrawn) == aside
