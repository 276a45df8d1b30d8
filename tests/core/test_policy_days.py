"""Days of polling in virtual time: jobs come and go, and leave nothing behind."""

import pickle
from collections import Counter
from random import Random
from typing import Any

import pytest

from exporter.core.events import JobAppeared, JobEnded, PollFinished
from exporter.domain import ItemStatus, JobStatus, JobType
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, counts, job
from tests.support.virtual_time import Polling

INTERVAL = 30.0
DAY = 24 * HOUR
LISTED_SECONDS = 6 * HOUR


class Customers:
    """They have a job run every two hours, which LlamaCloud lists for six hours."""

    def __init__(self, project: Polling) -> None:
        self.ended: Counter[JobStatus] = Counter()
        self.failed_items = 0
        self._project = project
        self._random = Random(7)  # noqa: S311 - it decides nothing secret
        project.every(2 * HOUR, self._start_soon)

    def _start_soon(self) -> None:
        self._project.at(self._project.now + self._random.uniform(0.0, HOUR), self._start)

    def _start(self) -> None:
        project, job_id = self._project, f"job-{self._project.now:.0f}"
        project.cloud.add(job(job_id, created_at=EPOCH + project.now))
        # Some end between two listings, some run for hours.
        seconds = self._random.choice([5.0, 25.0, 300.0, 4000.0, 3 * HOUR])
        project.at(project.now + seconds, lambda: self._end(job_id))
        project.at(project.now + seconds + LISTED_SECONDS, lambda: self._forget(job_id))

    def _end(self, job_id: str) -> None:
        status = self._random.choice([JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
        failed = self._random.randrange(3)
        cloud, at = self._project.cloud, EPOCH + self._project.now
        cloud.items[job_id] = counts(completed=10 - failed, failed=failed)
        cloud.change(job_id, status=status, completed_at=at, failed_items=failed)
        self.ended[status] += 1
        self.failed_items += failed

    def _forget(self, job_id: str) -> None:
        del self._project.cloud.jobs[job_id], self._project.cloud.items[job_id]


def size_of(project: Polling) -> int:
    """Return the bytes of all that the core knows."""
    return len(pickle.dumps(project.core))


@pytest.mark.parametrize("requests_per_minute", [4, float("inf")])
def test_a_week_loses_nothing_and_leaves_nothing_behind(requests_per_minute: float) -> None:
    """Every job and every failed item is counted once, whatever the budget."""
    project = Polling(requests_per_minute=requests_per_minute, slots=2, check_every=60.0)
    customers = Customers(project)
    project.every(60.0, project.scrape)
    project.run_until(2 * DAY)
    size = size_of(project)
    project.run_until(7 * DAY)
    counters = project.view().counters
    finished = counters.jobs_finished
    running = sum(each.active for each in project.cloud.jobs.values())
    # What ended in the last seconds may not be listed yet.
    assert 0 <= customers.ended.total() - sum(finished.values()) <= 1
    assert 7 * 12 - 2 <= customers.ended.total() + running <= 7 * 12
    assert len(project.events_of(JobEnded)) == sum(finished.values())
    assert len(project.events_of(JobAppeared)) < len(project.events_of(JobEnded))
    failed = counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
    assert 0 <= customers.failed_items - failed <= 2
    # Failed jobs are shown for a day, and marks are kept for hours after the last listing.
    assert project.view().tracked_jobs <= 12 + running + 2
    assert size_of(project) < 1.2 * size
    assert {"success"} == {poll.result for poll in project.events_of(PollFinished)}
    assert 7 * DAY / INTERVAL - 5 <= len(project.requests_of("list"))


def test_a_day_of_failures_at_random_loses_nothing() -> None:
    """Listings, statuses and counts fail, one in three."""
    project = Polling(slots=2)
    customers = Customers(project)
    random = Random(11)  # noqa: S311 - it decides nothing secret

    def change_what_fails() -> None:
        project.cloud.failing.clear()
        for kind in ("list", "status", "items"):
            if random.random() < 0.33:
                project.cloud.failing[kind] = failure(random.choice(["network", "server"]))

    project.every(20.0, change_what_fails)
    project.run_until(DAY - 200)
    assert {"success", "partial", "error"} == {
        poll.result for poll in project.events_of(PollFinished)
    }
    counters = project.view().counters
    assert 0 <= customers.ended.total() - sum(counters.jobs_finished.values()) <= 1
    failed = counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
    assert 0 <= customers.failed_items - failed <= 2


class TestLeaving:
    """When an ended job leaves."""

    def test_it_leaves_when_its_retention_is_over(self) -> None:
        """Not only at the next listing."""
        retention: dict[str, Any] = {"retention_finished": HOUR + 300, "min_scrapes": 0}
        project = Polling(job(), interval=HOUR / 2, stale_after=2 * HOUR, **retention)
        project.run_until(10)
        project.cloud.items["job-1"] = counts(completed=10)
        project.cloud.change("job-1", status=JobStatus.COMPLETED, completed_at=EPOCH + 600)
        project.run_until(HOUR / 2 + HOUR + 300)
        assert 1 == project.view().tracked_jobs
        project.run_until(HOUR / 2 + HOUR + 306)
        assert 0 == project.view().tracked_jobs

    def test_without_scrapes_it_stays_as_long_as_a_failed_one(self) -> None:
        """Its end would never be seen otherwise; then it leaves anyway."""
        project = Polling(job())
        project.run_until(10)
        project.cloud.items["job-1"] = counts(completed=10)
        project.cloud.change("job-1", status=JobStatus.COMPLETED, completed_at=EPOCH + 20)
        project.run_until(DAY)
        assert JobStatus.COMPLETED is project.job().status
        project.run_until(DAY + 60)
        assert 0 == project.view().tracked_jobs

    def test_two_scrapes_let_it_go(self) -> None:
        """Late scrapes have this effect at once."""
        project = Polling(job())
        project.run_until(10)
        project.cloud.items["job-1"] = counts(completed=10)
        project.cloud.change("job-1", status=JobStatus.COMPLETED, completed_at=EPOCH + 20)
        project.run_until(2 * HOUR)
        project.scrape()
        project.run_until(2 * HOUR + 60)
        assert 1 == project.view().tracked_jobs
        project.scrape()
        project.run_until(2 * HOUR + 120)
        assert 0 == project.view().tracked_jobs
