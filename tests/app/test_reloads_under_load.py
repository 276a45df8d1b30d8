"""A reload every 0.2 s, while jobs move."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

from exporter.simulator import DEFAULT_PROJECT_ID
from tests.app.growing import GrowingJobs
from tests.app.reloading import listings_of, reloadable
from tests.app.test_restarts import completed, ended, failed
from tests.support.projects import key_of, project, project_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.app.reloading import Reloadable
    from tests.support.cloud import Cloud

# RELOADS=60 RELOAD_EVERY=1 is a minute of them.
RELOADS = int(os.environ.get("RELOADS", "12"))
RELOAD_EVERY_SECONDS = float(os.environ.get("RELOAD_EVERY", "0.05"))


def mine_of(text: str) -> str:
    """Return the samples of the project that stays."""
    return "".join(line + "\n" for line in text.splitlines() if 'project="one"' in line)


def test_nothing_is_lost_counted_twice_or_requested_twice(cloud: Cloud, tmp_path: Path) -> None:
    """Reloads change other projects, and how this one is polled."""
    cloud.world.add_key(key_of("one"), DEFAULT_PROJECT_ID)
    entry = {
        "name": "one",
        "project_id": DEFAULT_PROJECT_ID,
        "api_key": key_of("one"),
        "base_url": cloud.base_url,
        "api_versions": ["v1beta"],
    }
    others = [project(cloud, name) for name in ("two", "three")]
    with reloadable(tmp_path, [entry]) as running:
        running.exporter.wait_for(
            lambda: bool(running.scrape().own("polls_total", result="success"))
        )
        # LlamaCloud's Date has whole seconds: what begins later is no history.
        time.sleep(1.1)
        jobs = GrowingJobs(cloud, seed=3)
        seen = 0.0
        for step in range(20):
            jobs.move()
            running.reload(
                [entry, *others[: step % 3]],
                retention={"finished": f"{1 + step % 2}h"},
                log={"level": ("info", "debug")[step % 2]},
            )
            mine = mine_of(running.exporter.get()[1])
            assert seen <= failed(mine)
            seen = failed(mine)
            assert "llamacloud_batch_active_jobs{" in mine
            time.sleep(0.15)
        jobs.end()
        running.exporter.wait_for(lambda: ended(mine_of(running.exporter.get()[1])) >= jobs.ended)
        running.exporter.wait_for(
            lambda: completed(mine_of(running.exporter.get()[1])) >= jobs.completed
        )
        mine = mine_of(running.exporter.get()[1])
        assert (jobs.failed, jobs.completed, jobs.ended) == (
            failed(mine),
            completed(mine),
            ended(mine),
        )
    moments = [request.arrived_monotonic for request in listings_of(cloud, DEFAULT_PROJECT_ID)]
    # One a second, although there were twenty reloads within four.
    assert 4 <= len(moments) <= moments[-1] - moments[0] + 2


def series_of(text: str, *names: str) -> dict[str, float]:
    """Return the samples of projects, by their series."""
    projects = [f'project="{name}"' for name in names]
    samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {
        series: float(value)
        for series, _, value in samples
        if any(project in series for project in projects)
    }


def scrapes_until(stop: Event, running: Reloadable) -> Iterator[str]:
    """Scrape without a pause."""
    while not stop.is_set():
        status, text = running.exporter.get()
        assert 200 == status
        yield text


def counters_of(series: dict[str, float]) -> dict[str, float]:
    """Return the samples of counters."""
    ends = ("_total", "_count", "_bucket")
    return {name: value for name, value in series.items() if name.partition("{")[0].endswith(ends)}


def test_no_series_of_a_project_that_stays_is_missing(cloud: Cloud, tmp_path: Path) -> None:
    """Every scrape has all its series, whether its poller is replaced or not; no counter falls."""
    kept, changed, *others = (project(cloud, name) for name in ("kept", "changed", "x", "y"))
    stop = Event()
    with reloadable(tmp_path, [kept, changed]) as running, ThreadPoolExecutor(1) as threads:
        for name in ("kept", "changed"):
            running.wait_for_job(name)
        before = series_of(running.exporter.get()[1], "kept", "changed")
        scraping = threads.submit(lambda: [*scrapes_until(stop, running)])
        try:
            for step in range(RELOADS):
                other_filter = {"job_types": ["parse"]} if step % 2 else {}
                running.reload(
                    [kept, changed | other_filter, *others[: step % 3]],
                    retention={"finished": f"{1 + step % 2}h"},
                    api={"requests_per_minute": 6000 + step},
                )
                time.sleep(RELOAD_EVERY_SECONDS)
        finally:
            stop.set()
        scrapes = scraping.result()
    assert len(scrapes) > RELOADS / 2
    counters = counters_of(before)
    for text in scrapes:
        now = series_of(text, "kept", "changed")
        assert set() == before.keys() - now.keys()
        fell = {name for name, value in counters.items() if now[name] < value}
        assert set() == fell
        counters = counters_of(now)


def test_the_budget_of_a_key_holds(cloud: Cloud, tmp_path: Path) -> None:
    """The budget holds while its projects are removed, added, renamed and changed."""
    entry = project(cloud, "one")
    changes: list[dict[str, Any] | None] = [
        {"job_types": ["parse"]},
        {"name": "first"},
        None,
        {},
    ]
    cloud.add_job("job-2", project_id=project_id_of("one"))
    other = project(cloud, "two")
    # Two at once, and one a second.
    limits = {"api": {"requests_per_minute": 4}, "poll": {"interval": "1s"}}
    with reloadable(tmp_path, [entry, other], **limits) as running:
        began = time.monotonic()
        for step in range(12):
            change = changes[step % 4]
            mine = [] if change is None else [entry | change]
            running.reload([*mine, other])
            time.sleep(0.1)
        lasted = time.monotonic() - began
    sent = [
        r for r in cloud.simulator.requests if r.params.get("project_id") == project_id_of("one")
    ]
    # Saved up for thirty seconds, earned while it started, and earned since.
    assert len(sent) <= 30 * 4 / 60 + 1 + lasted * 4 / 60
