"""The pages in a real browser: axe's findings, and the behaviour of the script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.status_pages.troubled import refused
from tests.support.cloud import running_cloud
from tests.support.exporter_process import running
from tests.support.serving import Exporter, served
from tests.support.status_reports import (
    NOW,
    empty_status,
    failure,
    full_report,
    listed_status,
    report,
    running_job,
)

if TYPE_CHECKING:
    from exporter.pages import ProjectReport
    from tests.support.exporter_process import Exporter as Running

FOLDER = Path(__file__).parent
NODE = shutil.which("node")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
HOSTILE = "\u202e<b>\u05d0\u05d1" + "x" * 900

pytestmark = pytest.mark.skipif(
    not (NODE and CHROMIUM and (FOLDER / "node_modules").is_dir())
    and "REQUIRE_BROWSER" not in os.environ,
    reason="this takes node, chromium, and what `make browser-test` installs",
)


def states() -> dict[str, list[ProjectReport]]:
    """Return a page for each state that a project may be in."""
    refused = empty_status(listing_was_tried=True, is_authenticated=False)
    credits_ = failure("payment_required", "HTTP 402: no credits left")
    jobs = [running_job(f"job-{n}", failed_items=n % 3, created_at=NOW - n) for n in range(60)]
    listed = listed_status("invoices", *jobs)
    return {
        "first-seconds": [report(empty_status())],
        "wrong-key": [
            report(replace(refused, listing_failure=failure("unauthorized", "HTTP 401")))
        ],
        "no-key": [report(replace(refused, listing_failure=failure("no_key", "no file")))],
        "out-of-credits": [report(replace(listed, listing_failure=credits_))],
        "stale": [report(replace(listed, is_stale=True))],
        "truncated": [report(replace(listed, is_truncated=True))],
        "set-aside": [report(replace(listed, apis=full_report().status.apis))],
        "no-jobs": [report(listed_status())],
        "usual": [report(listed), report(listed_status("contracts", running_job("other")))],
        "hostile": [full_report(HOSTILE, HOSTILE)],
    }


def faults_of_pages(*pages: str) -> list[str]:
    """Return the faults of pages in both sizes and both colour schemes."""
    command = ["node", str(FOLDER / "look.mjs"), "", *pages]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    problems: list[str] = json.loads(printed)
    return problems


@pytest.mark.timeout(180)
@pytest.mark.parametrize("state", states())
def test_axe_finds_nothing_and_the_policy_holds(state: str) -> None:
    """No page is too wide, requests other hosts, or writes to the console."""
    with served(Exporter(reports=states()[state])) as address:
        assert [] == faults_of_pages(f"{state}=http://{address}/")


@pytest.mark.timeout(180)
def test_refused_projects_of_a_real_poller_have_no_fault_either(tmp_path: Path) -> None:
    """The projects have a refused key, used-up credits, and no fault."""
    with running_cloud() as cloud, refused(cloud, tmp_path) as exporter:
        assert [] == faults_of_pages(
            f"refused={exporter.events('exporter.listening')[0]['open_in_browser']}"
        )


@pytest.mark.timeout(180)
def test_the_page_of_a_job_has_no_fault_either() -> None:
    """The page of an unknown job has none either, except for its status in the console."""
    with served(Exporter(reports=[full_report()])) as address:
        job = f"http://{address}/job?project=default&job_id="
        problems = faults_of_pages(f"job={job}job-2", f"missing={job}missing")
    assert 4 == len(problems)
    assert {True} == {"missing" in problem and "404" in problem for problem in problems}


@pytest.mark.timeout(180)
def test_a_refresh_keeps_the_place() -> None:
    """Focus, scroll position, input and selection stay, and unchanged content is not sent again.

    The filter offers a project that was added meanwhile.
    """
    exporter = Exporter(reports=states()["usual"])
    first, second = exporter.reports
    jobs = (replace(first.status.jobs[0], total_items=1_234_567), *first.status.jobs[1:])
    with served(exporter) as address:
        node = subprocess.Popen(
            ["node", FOLDER / "place.mjs", f"http://{address}/"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for_ready(node)
        added = report(listed_status("added"))
        exporter.reports = [replace(first, status=replace(first.status, jobs=jobs)), added, second]
        go_on(node)
        wait_for_ready(node)
    printed, _ = node.communicate("go on\n", timeout=60)
    seen = json.loads(printed)
    assert seen["age"].endswith((" ago", " d"))
    assert "job-1" == seen["copied"]
    assert seen["before"] > 0
    assert {
        "focused": "job invoices job-10",
        "scrolled": seen["before"],
        "typed": "typed",
        "chosen": "contracts",
        "projects": ["", "invoices", "added", "contracts"],
    } == seen["place"]
    assert [200, 304] == seen["answers"]


def wait_for_ready(node: subprocess.Popen[str]) -> None:
    """Wait until the script has finished its work before a change."""
    assert node.stdout is not None
    assert "ready\n" == node.stdout.readline()


def go_on(node: subprocess.Popen[str]) -> None:
    """Let the script continue after a change."""
    assert node.stdin is not None
    node.stdin.write("go on\n")
    node.stdin.flush()


@pytest.mark.timeout(180)
def test_the_demo_has_no_fault() -> None:
    """Jobs of both generations come and go, and the pages of two failing jobs have no fault."""
    with running("--demo", "--poll.interval=2s", "--api.requests-per-minute=1200") as exporter:
        exporter.wait_for(lambda: {"v1beta", "v2"} <= failing_jobs(exporter).keys())
        address = exporter.events("exporter.listening")[0]["open_in_browser"]
        jobs = failing_jobs(exporter)
        pages = [
            f"{api_version}={address}job?{urlencode(job)}" for api_version, job in jobs.items()
        ]
        assert [] == faults_of_pages(f"demo={address}", *pages)


def failing_jobs(demo: Running) -> dict[str, dict[str, str]]:
    """Return a failing job of each generation of the API that has one."""
    jobs = json.loads(demo.get("/api/v1/jobs?status=failing&per_page=500")[1])["jobs"]
    return {job["api_version"]: {k: job[k] for k in ("project", "job_id")} for job in jobs}
