"""Whose turn it is: each job once a poll, and none twice before all had a turn."""

from collections import Counter
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from exporter.core.actions import WaitUntil
from exporter.core.project import ProjectCore
from exporter.domain import ItemStatus, Job, JobStatus, JobType
from tests.core.fake_cloud import FakeCloud, Request, failure
from tests.support.history import EPOCH, HOUR, RULES, counts, job
from tests.support.virtual_time import Polling

INTERVAL = 30.0


class BusyCloud(FakeCloud):
    """In each job something moves between one refresh and the next."""

    def answer(self, request: Request, answered_at: float) -> Any:
        """Change an active job before its status is answered."""
        known = self.jobs.get(request.job_id)
        if request.kind == "status" and known is not None and known.active:
            self.change(known.id, processed_items=(known.processed_items or 0) + 1)
        return super().answer(request, answered_at)


def busy(project: Polling) -> Polling:
    """Change the jobs of a project, so that none waits because it stands still."""
    project.cloud = BusyCloud(project.cloud.jobs)
    return project


def ended(job_id: str, seconds_ago: float) -> Job:
    """Describe a job that ended some time before the start."""
    return job(
        job_id,
        status=JobStatus.COMPLETED,
        created_at=EPOCH - seconds_ago - 60,
        completed_at=EPOCH - seconds_ago,
    )


def turns(project: Polling, since: float = 0.0) -> list[str]:
    """Return the jobs whose status was requested, in order."""
    return [request.job_id for request in project.requests_of("status", since=since)]


def test_nothing_is_refreshed_before_a_listing() -> None:
    """There is no job to refresh yet."""
    core = ProjectCore(RULES, 0.0)
    assert WaitUntil(float("inf")) == core.next_action(0.0, may_list=False)


def test_nothing_is_refreshed_after_a_listing_that_failed() -> None:
    """The next successful listing allows each job another refresh."""
    project = Polling(job())
    project.run_until(29)
    project.cloud.failing["list"] = failure()
    project.run_until(89)
    assert 1 == len(turns(project))
    project.cloud.failing.clear()
    project.run_until(119)
    assert 2 == len(turns(project))


def test_a_listing_that_fails_pauses_the_round() -> None:
    """What waits for its turn waits for the next listing; what has begun is finished."""
    project = Polling(*(job(f"job-{n}") for n in range(8)), slots=1)
    project.cloud.seconds |= {"status": 4.0, "items": 4.0}
    project.run_until(29)
    project.cloud.failing["list"] = failure()
    project.run_until(59)
    assert ["job-0", "job-1", "job-2", "job-3"] == turns(project)
    assert "job-3" == project.requests_of("items")[-1].job_id
    project.cloud.failing.clear()
    project.run_until(62)
    assert ["job-4"] == turns(project, since=59)


def test_each_job_has_one_turn_a_poll() -> None:
    """The job with the oldest data is first."""
    project = Polling(job("b"), job("a"), slots=1)
    project.run_until(10 * INTERVAL - 1)
    assert ["a", "b"] * 10 == turns(project)


def test_a_round_goes_on_where_the_poll_before_ended() -> None:
    """No job starves, however few turns a poll has and however many jobs are new."""
    # Three requests an interval: a listing, and two turns.
    project = Polling(
        *(job(job_id) for job_id in "abc"), requests_per_minute=6, items_enabled=False
    )
    for number in range(4):
        project.at(number * INTERVAL + 15, partial(project.cloud.add, job(f"new-{number}")))
    project.run_until(4 * INTERVAL - 1)
    assert ["a", "b", "c", "new-0", "a", "b", "new-1", "c"] == turns(project)


def test_no_job_has_a_second_turn_before_all_had_one() -> None:
    """Also with two hundred jobs on twenty requests a minute; listings stay on time."""
    jobs = [job(f"job-{number:03}") for number in range(200)]
    project = busy(Polling(*jobs, requests_per_minute=20, items_enabled=False))
    project.run_until(2 * HOUR)
    asked = turns(project)
    last: dict[str, int] = {}
    for number, job_id in enumerate(asked):
        assert number - last.get(job_id, number - 200) == 200
        last[job_id] = number
    assert len(asked) > 1800
    listings = [request.moment for request in project.requests_of("list")]
    assert all(
        INTERVAL - 3 <= later - earlier <= INTERVAL + 3 for earlier, later in pairwise(listings)
    )


@pytest.mark.parametrize(("kept_seconds", "leaves"), [(900.0, True), (HOUR, False)])
def test_a_job_that_leaves_loses_its_turn(kept_seconds: float, *, leaves: bool) -> None:
    """The round goes on with the next one."""
    jobs = [job(f"job-{number}") for number in range(10)]
    project = Polling(
        *(*jobs, ended("old", kept_seconds - 20 if leaves else 0.0)),
        requests_per_minute=6,
        min_scrapes=0,
        retention_finished=kept_seconds,
        retention_failed=kept_seconds,
    )
    project.run_until(20 * INTERVAL)
    assert ("old" not in turns(project)) == leaves
    assert {each.id for each in jobs} == set(turns(project)) - {"old"}


def test_a_job_that_is_being_refreshed_is_not_handed_out_again() -> None:
    """A status that hangs delays neither listings nor other jobs."""
    project = Polling(job("bad"), job("good"))
    project.cloud.seconds["status bad"] = 100.0
    project.run_until(99)
    assert 1 == turns(project).count("bad")
    assert 4 == turns(project).count("good")
    assert [0.0, 30.0, 60.0, 90.0] == [request.moment for request in project.requests_of("list")]
    project.cloud.change("bad", failed_items=9)
    project.run_until(122)
    assert 2 == turns(project).count("bad")
    assert 9 == project.job("bad").failed_items


def test_a_round_has_a_place_for_one_job_that_is_last_in_line() -> None:
    """It does not starve either, and never makes a round long."""
    olds = [ended(f"old-{number}", 1200.0 + number) for number in range(3)]
    project = busy(Polling(job("a"), job("b"), *olds, requests_per_minute=4, items_enabled=False))
    project.run_until(12 * INTERVAL - 1)
    assert ["a", "b", "old-0", "a", "b", "old-1", "a", "b", "old-2", "a", "b"] == turns(project)[
        :11
    ]


def test_the_others_that_are_last_in_line_come_when_nothing_else_is_left() -> None:
    """While the budget suffices, they are not kept waiting."""
    olds = [ended(f"old-{number}", 1200.0 + number) for number in range(3)]
    project = Polling(job("a"), job("b"), *olds, slots=1)
    project.run_until(INTERVAL - 1)
    assert ["a", "b", "old-0", "old-1", "old-2"] == turns(project)
    assert 5 == len(project.requests_of("items"))


def test_a_job_that_ended_unseen_is_counted_however_small_the_budget() -> None:
    """It comes last in line, and its turn comes."""
    project = Polling(*(job(f"active-{number}") for number in range(6)), requests_per_minute=6)
    project.run_until(10 * INTERVAL)
    now = EPOCH + project.now
    project.cloud.add(job("short", status=JobStatus.COMPLETED, created_at=now, completed_at=now))
    project.cloud.items["short"] = counts(completed=8, failed=2)
    project.run_until(project.now + HOUR)
    finished = project.view().counters.items_finished
    assert 2 == finished[JobType.PARSE, ItemStatus.FAILED]
    assert 1 == Counter(turns(project))["short"]
