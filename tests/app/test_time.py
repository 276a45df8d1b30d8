"""Time passes while LlamaCloud fails, and is not the wall clock's."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import Fault, items_of
from tests.support.exporter_process import running
from tests.support.projects import project, project_id_of, scrape, settings_file
from tests.support.tools import FakedClock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter

STALE_AFTER_SECONDS = 4
SUSPENDED_SECONDS = 3.0
JUMPS = (timedelta(days=400), timedelta(days=-400))
TROUBLE = {
    "fails": Fault("status", code=503),
    "hangs": Fault("hang"),
    "has-a-login-page": Fault("html"),
    "has-a-bad-key": Fault("status", code=401),
}


def ended_job(
    cloud: Cloud, job_id: str, name: str, *, seconds_ago: float = 0.0, **statuses: int
) -> None:
    now = cloud.world.clock() - seconds_ago
    items = items_of(job_id, **statuses)
    cloud.add_job(
        job_id,
        project_id=project_id_of(name),
        status="completed",
        created_at=now - 60,
        completed_at=now,
        items=items,
    )


def listings(cloud: Cloud) -> list[float]:
    """Return the moments at which listings arrived."""
    requests = list(cloud.simulator.requests)
    return [each.arrived_monotonic for each in requests if each.endpoint == "list_jobs"]


def wait_for_listings(cloud: Cloud, exporter: Exporter, least: int) -> None:
    """Wait until this number of listings has arrived since the start."""
    exporter.wait_for(lambda: len(listings(cloud)) >= least)


def test_data_grows_stale_and_jobs_leave_while_nothing_is_answered(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Active jobs are withdrawn, failed ones stay, and all return after the failure."""
    names = ("good", *TROUBLE)
    entries = [project(cloud, name) for name in names]
    for name in names:
        ended_job(cloud, f"failed-of-{name}", name, seconds_ago=10, failed=2)
    flag = settings_file(
        tmp_path,
        entries,
        poll={"stale_after": f"{STALE_AFTER_SECONDS}s"},
        api={"timeout": "1s"},
        retention={"finished": "5s", "min_scrapes": 0},
    )
    with running(flag) as exporter:
        exporter.wait_for(lambda: shown_jobs(exporter) == expected(names, names))
        for name in names:
            ended_job(cloud, f"clean-of-{name}", name, completed=2)
        exporter.wait_for(lambda: {f"clean-of-{name}" for name in names} <= counted_jobs(cloud))
        for name, fault in TROUBLE.items():
            cloud.simulator.faults.add(replace(fault, project_id=project_id_of(name)))
        exporter.wait_for(lambda: shown_jobs(exporter) == expected(["good"], names))
        withdrawn = scrape(exporter)
        reported = [line["project"] for line in exporter.events("project.stale")]
        now = cloud.world.clock()
        cloud.simulator.faults.clear()
        exporter.wait_for(lambda: shown_jobs(exporter) == expected(names, names))

    assert ["good"] == list(withdrawn.labels("llamacloud_batch_active_jobs", "project"))
    assert sorted(TROUBLE) == sorted(reported)
    # The one that failed had ended before the exporter began.
    ended_clean = withdrawn.batch("jobs_finished_total", job_type="parse", status="completed")
    assert [1.0] * len(names) == ended_clean
    for name in TROUBLE:
        (listed,) = withdrawn.own("last_listing_timestamp_seconds", project=name)
        # LlamaCloud's Date has no fractions of a second.
        assert now - listed >= STALE_AFTER_SECONDS - 1


def expected(active: Iterable[str], failed: Iterable[str]) -> set[str]:
    """Return the active jobs of some projects, and the failed ones of some."""
    return {f"job-of-{name}" for name in active} | {f"failed-of-{name}" for name in failed}


def counted_jobs(cloud: Cloud) -> set[str | None]:
    """Return the jobs whose items were requested."""
    requests = list(cloud.simulator.requests)
    return {each.job_id for each in requests if (each.endpoint, each.status) == ("list_items", 200)}


def shown_jobs(exporter: Exporter) -> set[str]:
    """Return the jobs that a scrape shows, once their items are counted."""
    return scrape(exporter).labels("llamacloud_batch_job_items", "job_id")


def test_a_wall_clock_that_jumps_changes_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """Intervals, staleness and retention are not affected; only the log shows the jumps."""
    clock = FakedClock(tmp_path)
    entry = project(cloud, "jumps")
    ended_job(cloud, "ended", "jumps", completed=2)
    flag = settings_file(tmp_path, [entry], poll={"stale_after": "20s"})
    with running(flag, **clock.variables) as exporter:
        exporter.wait_for(lambda: shown_jobs(exporter) == {"job-of-jumps", "ended"})
        before = scrape(exporter)
        for jump in JUMPS:
            listed_before = len(listings(cloud))
            clock.jump_to(f"{jump.days:+d}d")
            new = cloud.add_job(f"new-{jump.days}", project_id=project_id_of("jumps"))
            logged_jump = wait_for_logged_jump(exporter, new.id)
            assert abs(logged_jump - jump) < timedelta(hours=1)
            wait_for_listings(cloud, exporter, listed_before + 3)
            moments = listings(cloud)[listed_before:]
            assert 0.5 < median(later - earlier for earlier, later in pairwise(moments)) < 2.0
        after = scrape(exporter)

    new_jobs = {f"new-{jump.days}" for jump in JUMPS}
    shown = after.labels("llamacloud_batch_job_status", "job_id")
    assert {"job-of-jumps", "ended"} | new_jobs == shown
    assert [1.0] == after.own("project_up")
    assert 0 == sum(after.own("polls_total", result="error"))
    for name in ("last_refreshed", "created", "last_progress"):
        then, now = (
            sum(scraped.batch(f"job_{name}_timestamp_seconds", job_id="job-of-jumps"))
            for scraped in (before, after)
        )
        # By LlamaCloud's clock, which did not jump.
        assert 0 <= now - then < 60
    assert sum(before.batch("jobs_finished_total")) == sum(after.batch("jobs_finished_total"))


@pytest.mark.parametrize("days", [400, -400])
def test_a_wall_clock_that_is_wrong_from_the_start_changes_nothing(
    cloud: Cloud, tmp_path: Path, days: int
) -> None:
    """The times are LlamaCloud's, and what ends unseen is counted."""
    clock = FakedClock(tmp_path)
    clock.jump_to(f"{days:+d}d")
    flag = settings_file(tmp_path, [project(cloud, "lives")])
    with running(flag, **clock.variables) as exporter:
        exporter.wait_for(lambda: shown_jobs(exporter) == {"job-of-lives"})
        ended_job(cloud, "unseen", "lives", completed=1, failed=2)
        exporter.wait_for(lambda: "unseen" in shown_jobs(exporter))
        scraped = scrape(exporter)
    (listed,) = scraped.own("last_listing_timestamp_seconds", project="lives")
    assert abs(listed - cloud.world.clock()) < 60
    assert [2.0] == scraped.batch("items_finished_total", job_type="parse", item_status="failed")
    assert 0 == sum(scraped.own("polls_total", result="error"))


def wait_for_logged_jump(exporter: Exporter, job_id: str) -> timedelta:
    """Wait until a job is logged, and return how far the log's time is from the true one."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in exporter.events("job.appeared") if line["job_id"] == job_id]

    exporter.wait_for(lambda: bool(lines()))
    return datetime.fromisoformat(lines()[0]["timestamp"]) - datetime.now(UTC)


def test_a_process_that_was_suspended_continues(cloud: Cloud, tmp_path: Path) -> None:
    """It is healthy at once, and does not catch up on missed polls."""
    flag = settings_file(tmp_path, [project(cloud, "sleeps")], poll={"stale_after": "2s"})
    with running(flag) as exporter:
        exporter.wait_for(lambda: shown_jobs(exporter) == {"job-of-sleeps"})
        exporter.process.send_signal(signal.SIGSTOP)
        time.sleep(SUSPENDED_SECONDS)
        cloud.world.jobs["job-of-sleeps"].overrides["skipped_items"] = 4711
        resumed = time.monotonic()
        exporter.process.send_signal(signal.SIGCONT)
        assert (200, "ok\n") == exporter.get("/-/healthy")
        exporter.wait_for(lambda: scrape(exporter).batch("job_skipped_items") == [4711.0])
        wait_for_listings(cloud, exporter, len(listings(cloud)) + 2)
        after = [moment for moment in listings(cloud) if moment >= resumed]
        scraped = scrape(exporter)

    # The first is overdue, and the next one may be due at the same moment.
    assert len(after) <= after[-1] - resumed + 2
    assert [1.0] == scraped.own("project_up")
    assert 0 == sum(scraped.own("polls_total", result="error"))
