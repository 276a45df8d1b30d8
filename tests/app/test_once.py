"""One poll with ``--once``, and the warning about jobs that the budget did not reach."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app.once import warn_of_jobs_not_reached
from exporter.domain import JobStatus, JobType, JobView, ProjectStatus
from exporter.simulator import Fault
from tests.support.clients import budget_of
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import run
from tests.support.history import job
from tests.support.polling import eventually
from tests.support.projects import Scrape, project, project_id_of, settings_file
from tests.support.scripted_api import running, setup
from tests.support.tools import check_metrics
from tests.support.views import empty_view

EVENT = "budget.too_small"
PATIENT: dict[str, Any] = {"api": {"wait_for_key": True}, "poll": {"interval": "20s"}}


def once(
    cloud: Cloud, requests_per_minute: int, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Poll once, with a second for it."""
    return run(
        "--once",
        "--log.format=json",
        "--poll.interval=1s",
        f"--api.requests-per-minute={requests_per_minute}",
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
        **variables,
    )


def warnings(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert 0 == ended.returncode, ended.stderr
    check_metrics(ended.stdout.encode())
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    return [line for line in lines if line["event"] == EVENT]


def test_it_warns_how_many_jobs_the_budget_did_not_reach(cloud: Cloud) -> None:
    """The warning is logged with what to raise."""
    for number in range(60):
        cloud.add_job(f"job-{number}")
    ended = once(cloud, 60)
    (line,) = warnings(ended)
    assert ("warning", "default", 60) == (line["level"], line["project"], line["active_jobs"])
    assert "api.requests_per_minute" in line["advice"]
    # About thirty requests: a listing, and a status and a count for some.
    counted = ended.stdout.count('llamacloud_batch_job_items{item_status="completed"')
    assert 1 <= counted <= 20
    assert 60 - counted == line["jobs_not_refreshed"]


@pytest.mark.anyio
async def test_it_warns_if_the_listing_took_the_whole_budget() -> None:
    """Then no job waits for a refresh yet, but the active ones count."""
    budget = budget_of(1 / 30, 8, lambda: 0.0)
    made = setup(job("a"), job("b"), budget=budget)
    async with running(made.poller):
        await eventually(lambda: made.poller.status().listing_works)
    await made.poller.publisher.publish()
    with capture_logs() as logs:
        warn_of_jobs_not_reached("invoices", made.poller)
    (line,) = logs
    assert (EVENT, "invoices", 2) == (line["event"], line["project"], line["jobs_not_refreshed"])
    assert ["list"] == made.api.requested


def test_it_does_not_warn_of_jobs_that_ended_in_an_unknown_status() -> None:
    """A job with a completion time has ended, whatever its status."""
    jobs = [
        JobView(id_, JobType.PARSE, "", status, completed_at=completed_at)
        for id_, status, completed_at in (
            ("running", JobStatus.RUNNING, None),
            ("unknown", JobStatus.UNKNOWN, None),
            ("ended-unknown", JobStatus.UNKNOWN, 1_790_000_000.0),
            ("completed", JobStatus.COMPLETED, 1_790_000_000.0),
        )
    ]
    status = ProjectStatus(
        listing_was_tried=True,
        listing_failure=None,
        is_stale=False,
        is_truncated=False,
        last_listing_at=None,
        active_jobs=2,
        jobs_waiting_for_refresh=0,
    )
    poller: Any = SimpleNamespace(
        status=lambda: status,
        publisher=SimpleNamespace(last_view=replace(empty_view("invoices"), jobs=tuple(jobs))),
    )
    with capture_logs() as logs:
        warn_of_jobs_not_reached("invoices", poller)
    assert [2] == [line["jobs_not_refreshed"] for line in logs]


def test_it_does_not_warn_of_a_poll_that_reached_all(cloud: Cloud) -> None:
    """A job whose refresh failed has its own log line and causes no warning."""
    cloud.add_job()
    cloud.simulator.faults.add(Fault("status", code=404, endpoint="job_status"))
    ended = once(cloud, 6000)
    assert [] == warnings(ended)
    assert "job.refresh_failed" in ended.stderr


def test_what_is_printed_holds_nothing_of_the_process(cloud: Cloud) -> None:
    """node_exporter, whose textfile collector reads it, has ``process_*`` of its own."""
    names = {
        line.split()[2]
        for line in once(cloud, 6000).stdout.splitlines()
        if line.startswith("# TYPE")
    }
    assert {name.split("_")[0] for name in names} == {"llamacloud"}
    assert "llamacloud_exporter_build_info" in names


def test_the_state_file_is_left_alone(cloud: Cloud, tmp_path: Path) -> None:
    """A daemon may use it meanwhile: it is neither read nor written nor locked."""
    path = tmp_path / "exporter.state"
    path.write_bytes(b"of a daemon")
    ended = once(cloud, 6000, LLAMACLOUD_EXPORTER_STATE__FILE=str(path))
    assert "state." not in ended.stderr
    assert "llamacloud_exporter_state_last_write_successful" not in ended.stdout
    assert ([path], b"of a daemon") == ([*tmp_path.iterdir()], path.read_bytes())


def test_a_project_whose_key_is_waited_for_is_not_listed(cloud: Cloud, tmp_path: Path) -> None:
    """The poll does not wait for the key: other projects are printed, and the exit status is 1."""
    late = project(cloud, "late", api_key_file=str(tmp_path / "key"))
    flag = settings_file(tmp_path, [late, project(cloud, "good")], **PATIENT)
    ended = run("--once", "--log.format=json", flag)
    assert 1 == ended.returncode
    printed = Scrape(ended.stdout)
    assert [0.0] == printed.own("project_authenticated", project="late")
    assert [1.0] == printed.own("project_authenticated", project="good")
    assert 1 == cloud.requests()["list_jobs"]
    assert ["project.listing_failed"] == [
        line["event"]
        for line in map(json.loads, ended.stderr.splitlines())
        if line["project"] == "late"
    ]


def test_each_project_has_its_own_budget_and_line(cloud: Cloud, tmp_path: Path) -> None:
    """A project that is done sends no second listing while others are polled."""
    entries = [project(cloud, name) for name in ("large", "small")]
    for number in range(60):
        cloud.add_job(f"job-{number}", project_id=project_id_of("large"))
    flag = settings_file(
        tmp_path, entries, api={"requests_per_minute": 60}, poll={"interval": "3s"}
    )
    ended = run("--once", "--log.format=json", flag)
    assert ["large"] == [line["project"] for line in warnings(ended)]
    assert 2 == cloud.requests()["list_jobs"]
