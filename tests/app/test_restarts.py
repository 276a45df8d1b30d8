"""An exporter that is killed and restarted with its state file loses and doubles nothing."""

from __future__ import annotations

import os
import sys
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.app.growing import GrowingJobs
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import COMMAND, running_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.exporter_process import Exporter

# `make restarts` kills more often.
KILLS = int(os.environ.get("KILLS", "6"))
LISTED = "llamacloud_exporter_last_listing_timestamp_seconds"
WRITTEN = "llamacloud_exporter_state_last_write_successful"
# It stops for a moment before and after the rename, so that a kill finds it there.
SLOW_RENAME = """
import pathlib, random, sys, time
rename = pathlib.Path.replace
def slowly(self, target):
    time.sleep(random.choice((0, 0.2)))
    renamed = rename(self, target)
    time.sleep(random.choice((0, 0.2)))
    return renamed
pathlib.Path.replace = slowly
from exporter.__main__ import main
sys.exit(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "exporter.state"


def variables(cloud: Cloud, file: Path, **more: str) -> dict[str, str]:
    """Return the settings of an exporter that keeps its state."""
    file.parent.mkdir(exist_ok=True)
    return {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": cloud.base_url,
        "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "60000",
        "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "1s",
        "LLAMACLOUD_EXPORTER_STATE__FILE": str(file),
        **more,
    }


def value(exposition: str, name: str, **labels: str) -> float:
    """Return the sum of the samples of a family that have some labels."""
    wanted = [f'{label}="{text}"' for label, text in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in exposition.splitlines()
        if line.startswith((f"{name}{{", f"{name} ")) and all(text in line for text in wanted)
    )


def failed(exposition: str) -> float:
    """Return the counter of failed items."""
    return value(exposition, "llamacloud_batch_items_finished_total", item_status="failed")


def completed(exposition: str) -> float:
    """Return the counter of completed items."""
    return value(exposition, "llamacloud_batch_items_finished_total", item_status="completed")


def ended(exposition: str) -> float:
    """Return the counter of jobs that ended."""
    return value(exposition, "llamacloud_batch_jobs_finished_total")


def wait_until_listed(exporter: Exporter) -> None:
    """Wait for the first listing."""
    exporter.wait_for_metric(LISTED)


class TestKills:
    """The exporter is killed at random moments, while items and jobs end."""

    def test_no_item_is_lost_or_counted_twice(self, cloud: Cloud, file: Path) -> None:
        """Whatever was being written, and however short the exporter lived."""
        random = Random(KILLS)  # noqa: S311 - it decides nothing secret
        with running_command(COMMAND, **variables(cloud, file)) as exporter:
            wait_until_listed(exporter)
            # LlamaCloud's Date has whole seconds: what begins later is no history.
            time.sleep(1.1)
        jobs = GrowingJobs(cloud, seed=KILLS)
        seen = 0.0
        for number in range(KILLS):
            command = COMMAND if number % 2 else (sys.executable, "-c", SLOW_RENAME)
            with running_command(command, **variables(cloud, file)) as exporter:
                for seen_now in self._scrapes(exporter, jobs, random.uniform(0.0, 2.5)):
                    assert seen_now >= seen
                    seen = seen_now
                exporter.process.kill()
            jobs.move()
        jobs.end()
        with running_command(COMMAND, **variables(cloud, file)) as exporter:
            exporter.wait_for(lambda: failed(exporter.get()[1]) >= jobs.failed)
            exporter.wait_for(lambda: ended(exporter.get()[1]) >= jobs.ended)
            exporter.wait_for(lambda: completed(exporter.get()[1]) >= jobs.completed)
            exposition = exporter.get()[1]
            assert [] == exporter.events("state.damaged")
        assert (jobs.failed, jobs.completed, jobs.ended) == (
            failed(exposition),
            completed(exposition),
            ended(exposition),
        )

    def _scrapes(self, exporter: Exporter, jobs: GrowingJobs, seconds: float) -> Iterator[float]:
        """Scrape for some time after the first listing, and let something happen meanwhile."""
        exporter.wait_for(lambda: bool(exporter.events("exporter.listening")))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            jobs.move()
            yield failed(exporter.get()[1])
            time.sleep(0.05)


def test_a_job_that_ends_meanwhile_is_counted_once_and_shown(cloud: Cloud, file: Path) -> None:
    """It is published with its failed items, for its retention."""
    with running_command(COMMAND, **variables(cloud, file)) as exporter:
        wait_until_listed(exporter)
        time.sleep(1.1)
        jobs = GrowingJobs(cloud, seed=1)
        jobs.move()
        exporter.wait_for_metric('llamacloud_batch_job_status{job_id="job-1"')
        exporter.stop()
    for _ in range(5):
        jobs.move()
    jobs.end()
    for _ in range(2):
        with running_command(COMMAND, **variables(cloud, file)) as exporter:
            exporter.wait_for(lambda: failed(exporter.get()[1]) >= jobs.failed)
            shown = (
                'llamacloud_batch_job_status{job_id="job-1",project="default",status="completed"} 1'
            )
            exposition = exporter.wait_for_metric(shown)
            assert (jobs.failed, jobs.ended) == (
                failed(exposition),
                ended(exposition),
            )
            assert 1.0 == value(exposition, WRITTEN)
            events = {line["event"] for line in exporter.log()}
            assert "state.loaded" in events
            assert "job.appeared" not in events
            exporter.stop()


def test_what_had_ended_is_published_before_the_first_listing(cloud: Cloud, file: Path) -> None:
    """A failed job is published even if LlamaCloud does not answer."""
    cloud.add_job("job-1", status="failed", completed_at=cloud.world.clock() - 60)
    with running_command(COMMAND, **variables(cloud, file)) as exporter:
        exposition = exporter.wait_for_metric('llamacloud_batch_job_items{item_status="failed"')
        exporter.stop()
    gone = variables(cloud, file)
    # No server listens there, and the state is found by the address: only the port is lost.
    cloud.world.keys.clear()
    with running_command(COMMAND, **gone) as exporter:
        exporter.wait_for(lambda: bool(exporter.events("project.listing_failed")))
        again = exporter.get()[1]
    for name in ("job_items", "job_status", "job_failed_items", "job_info"):
        assert value(exposition, f"llamacloud_batch_{name}") == value(
            again, f"llamacloud_batch_{name}"
        )


def test_without_a_state_file_nothing_is_logged_about_one(cloud: Cloud) -> None:
    """Counters begin at zero."""
    cloud_variables = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}
    with running_command(COMMAND, **cloud_variables) as exporter:
        wait_until_listed(exporter)
        assert WRITTEN not in exporter.get()[1]


def test_a_second_exporter_leaves_the_file_of_the_first_alone(cloud: Cloud, file: Path) -> None:
    """The second one logs that the file is locked, and works without a state."""
    with running_command(COMMAND, **variables(cloud, file)) as first:
        wait_until_listed(first)
        with running_command(COMMAND, **variables(cloud, file)) as second:
            wait_until_listed(second)
            assert 0.0 == value(second.get()[1], WRITTEN)
            (line,) = second.events("state.not_used")
            assert "locked" in line["detail"]
        assert 1.0 == value(first.get()[1], WRITTEN)


def test_a_folder_that_is_missing_stops_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """The state is written once the folder exists."""
    file = tmp_path / "missing" / "exporter.state"
    settings = variables(cloud, tmp_path / "exporter.state") | {
        "LLAMACLOUD_EXPORTER_STATE__FILE": str(file)
    }
    with running_command(COMMAND, **settings) as exporter:
        wait_until_listed(exporter)
        assert 0.0 == value(exporter.get()[1], WRITTEN)
        (line,) = exporter.events("state.write_failed")
        assert "No such file or directory" in line["detail"]
        file.parent.mkdir()
        exporter.wait_for(lambda: value(exporter.get()[1], WRITTEN) == 1.0)
        assert (0, True) == (exporter.stop()[0], file.exists())
