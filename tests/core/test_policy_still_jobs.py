"""With less budget than needed, jobs that do not change are requested less and less often."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from exporter.domain import JobStatus
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, job
from tests.support.virtual_time import Polling

QUARTER = 900.0


def stuck_and_live(stuck: int, requests_per_minute: float, interval: float) -> Polling:
    """Poll jobs that have been stuck for weeks beside one that runs."""
    jobs = [job(f"stuck-{n:02}", status=JobStatus.PENDING) for n in range(stuck)]
    project = Polling(
        job("live", total_items=10_000),
        *jobs,
        requests_per_minute=requests_per_minute,
        interval=interval,
        slots=8,
    )

    def work() -> None:
        project.cloud.change("live", processed_items=int(project.now))

    project.every(1.0, work)
    return project


def gaps(project: Polling, job_id: str, since: float) -> list[float]:
    """Return the seconds between the refreshes of a job."""
    moments = [
        each.moment for each in project.requests_of("status", since=since) if each.job_id == job_id
    ]
    return [later - earlier for earlier, later in pairwise(moments)]


def test_the_job_that_runs_is_refreshed_nearly_every_interval() -> None:
    """Forty jobs that have been stuck for weeks do not starve it."""
    project = stuck_and_live(40, requests_per_minute=60, interval=3.0)
    project.run_until(2 * HOUR)
    live = gaps(project, "live", since=HOUR)
    assert median(live) <= 3.5
    assert max(live) <= 60
    requests = project.requests_of("status", "items", since=HOUR)
    of_live = sum(each.job_id == "live" for each in requests)
    assert of_live > len(requests) / 2


def test_jobs_that_cannot_be_refreshed_do_not_starve_it_either() -> None:
    """Nor those of which nothing but the time of their last change moves."""
    for odd in ("failing", "touched"):
        project = stuck_and_live(40, requests_per_minute=60, interval=3.0)
        for job_id in [job_id for job_id in project.cloud.jobs if job_id != "live"]:
            if odd == "failing":
                project.cloud.failing[f"status {job_id}"] = failure("server")
            else:
                touch(project, job_id)
        project.run_until(HOUR)
        assert median(gaps(project, "live", since=HOUR / 2)) <= 3.5


def touch(project: Polling, job_id: str) -> None:
    """Have a job say again and again that it was changed."""
    project.every(7.0, lambda: project.cloud.change(job_id, updated_at=EPOCH + project.now))


def test_no_job_waits_for_more_than_a_quarter_of_an_hour() -> None:
    """Nothing starves, and a job that moves again is seen to."""
    project = stuck_and_live(40, requests_per_minute=10, interval=30.0)
    project.run_until(6 * HOUR)
    for job_id in project.cloud.jobs:
        between = gaps(project, job_id, since=HOUR)
        assert max(between) <= QUARTER + 5 * 60
    at = project.now
    # Its row shows the change: it is among the first of the next round.
    project.cloud.change("stuck-07", processed_items=1)
    project.run_until(at + 120)
    assert "stuck-07" in {each.job_id for each in project.requests_of("status", since=at)}


def test_a_budget_that_suffices_refreshes_every_job_in_every_poll() -> None:
    """Also the stuck ones."""
    project = stuck_and_live(40, requests_per_minute=600, interval=30.0)
    project.run_until(HOUR)
    assert {30} == {round(gap / 10) * 10 for gap in gaps(project, "stuck-07", since=600)}


def test_a_budget_that_suffices_again_refreshes_every_job_soon() -> None:
    """As when most jobs have ended."""
    project = stuck_and_live(40, requests_per_minute=10, interval=30.0)
    project.run_until(2 * HOUR)
    for number in range(1, 40):
        project.cloud.jobs.pop(f"stuck-{number:02}")
    project.run_until(3 * HOUR)
    assert max(gaps(project, "stuck-00", since=2.75 * HOUR)) <= 31
