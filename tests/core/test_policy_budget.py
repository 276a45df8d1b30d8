"""Polling with fewer requests than would be needed: on time, in turn, as cheap as it can be."""

from itertools import pairwise

import pytest

from exporter.core.actions import CountItems, FetchStatus
from exporter.core.events import PollFinished
from exporter.core.observations import Refreshed
from exporter.core.project import ProjectCore
from exporter.domain import ItemStatus, JobStatus
from tests.core.fake_cloud import FakeCloud, Request
from tests.support.history import EPOCH, HOUR, RULES, counts, job
from tests.support.virtual_time import Polling, list_now

INTERVAL = 30.0
QUARTER = 900.0


def project_of(jobs: int, requests_per_minute: float, **settings: int) -> Polling:
    """Poll some jobs on some requests a minute."""
    ids = (f"job-{number:02}" for number in range(jobs))
    return Polling(
        *(job(job_id) for job_id in ids), requests_per_minute=requests_per_minute, **settings
    )


def gaps(moments: list[float]) -> list[float]:
    """Return the seconds between each moment and the next."""
    return [later - earlier for earlier, later in pairwise(moments)]


def counted(project: Polling, job_id: str) -> list[float]:
    """Return the moments at which a job was counted."""
    return [request.moment for request in project.requests_of("items") if request.job_id == job_id]


def test_listings_stay_on_time() -> None:
    """A token may be waited for, and no more; polls succeed all the same."""
    project = project_of(200, 20)
    project.run_until(HOUR)
    listings = [request.moment for request in project.requests_of("list")]
    assert 120 <= len(listings) <= 121
    assert max(gaps(listings)) <= INTERVAL + 3
    assert {"success"} == {poll.result for poll in project.events_of(PollFinished)}


def test_a_listing_shows_changes_of_jobs_whose_turn_has_not_come() -> None:
    """The rows of a listing contain them."""
    project = project_of(200, 20)
    project.run_until(INTERVAL - 1)
    for job_id in project.cloud.jobs:
        project.cloud.change(job_id, failed_items=7)
    project.run_until(2 * INTERVAL - 1)
    assert {7} == {shown.failed_items for shown in project.view().jobs}


@pytest.mark.parametrize(("jobs", "slots"), [(20, 8), (4, 8), (4, 1)])
def test_counts_wait_while_their_jobs_do_not_change(jobs: int, slots: int) -> None:
    """Statuses are then requested nearly twice as often, also with few jobs and many slots."""
    project = project_of(jobs, jobs * 2, slots=slots)
    project.run_until(20 * 60)
    since = project.now
    project.run_until(since + 10 * 60)
    statuses, items = (len(project.requests_of(kind, since=since)) for kind in ("status", "items"))
    assert items < statuses / 2


def test_counts_wait_for_a_quarter_of_an_hour_at_most() -> None:
    """Items may move without their job showing it."""
    project = project_of(20, 30)
    project.run_until(6 * HOUR)
    for job_id in project.cloud.jobs:
        between = gaps(counted(project, job_id))
        assert QUARTER <= max(between) < QUARTER + 5 * 60
        assert len(between) > 15


@pytest.mark.parametrize("change", ["record", "progress", "items"])
def test_a_job_that_changes_is_counted_at_its_next_turn(change: str) -> None:
    """The change may be in its row, its progress or its items."""
    project = project_of(20, 30)
    project.run_until(HOUR)
    before = len(counted(project, "job-07"))
    project.cloud.items["job-07"] = counts(processing=7, failed=3)
    if change == "record":
        project.cloud.change("job-07", failed_items=3)
    elif change == "progress":
        project.cloud.progress["job-07"] = 0.6
    at = project.now
    project.run_until(at + QUARTER + 5 * 60)
    soonest = counted(project, "job-07")[before] - at
    if change == "items":
        # Only the count itself shows it; another count follows, to be sure.
        assert soonest <= QUARTER + 5 * 60
        assert gaps(counted(project, "job-07")[before:])[0] < 4 * 60
    else:
        assert soonest < 2 * 60
    assert 3 == (project.job("job-07").items or {})[ItemStatus.FAILED]


def test_a_job_that_ended_is_counted_without_waiting() -> None:
    """Its final numbers matter most."""
    project = project_of(20, 30)
    project.run_until(HOUR)
    at = project.now
    project.cloud.items["job-07"] = counts(completed=9, failed=1)
    project.cloud.change("job-07", status=JobStatus.COMPLETED, completed_at=EPOCH + at)
    project.run_until(at + 3 * 60)
    assert 1 == (project.job("job-07").items or {})[ItemStatus.FAILED]


def test_a_slow_llamacloud_is_no_small_budget() -> None:
    """Where the budget suffices, every job is counted whenever it is refreshed."""
    project = project_of(12, float("inf"), slots=2)
    project.cloud.seconds["status"] = 20.0
    project.run_until(HOUR)
    statuses = len(project.requests_of("status"))
    # Rounds go on from poll to poll, as with a small budget.
    assert statuses < 12 * 120 / 2
    assert len(project.requests_of("items")) >= statuses - 2


def refresh(core: ProjectCore, now: float, steps: int = 100) -> list[str]:
    """Refresh jobs that never change, and return the requests."""
    cloud, kinds = FakeCloud({job_id: job(job_id) for job_id in "ab"}), list[str]()
    for _ in range(steps):
        action = core.next_action(now, may_list=False)
        if not isinstance(action, FetchStatus | CountItems):
            break
        request = Request(now, action)
        kinds.append(request.kind)
        core.receive(Refreshed(action, cloud.answer(request, EPOCH + now), None), now)
    return kinds


@pytest.mark.parametrize(
    ("steps", "then"), [(4, ["status", "items"] * 2), (2, ["status", "status"])]
)
def test_counts_wait_only_where_the_round_before_was_not_finished(
    steps: int, then: list[str]
) -> None:
    """Requests may wait that are of other projects on the same key."""
    core = ProjectCore(RULES, 0.0)
    list_now(core, 0.0, job("a"), job("b"))
    refresh(core, 1.0)
    list_now(core, 30.0, job("a"), job("b"))
    refresh(core, 31.0, steps)
    list_now(core, 60.0, job("a"), job("b"), is_throttling=True)
    assert then == refresh(core, 61.0)


def test_a_budget_that_suffices_again_counts_every_job() -> None:
    """As when jobs have ended."""
    project = project_of(20, 30)
    project.run_until(HOUR)
    for number in range(2, 20):
        project.cloud.jobs.pop(f"job-{number:02}")
    project.run_until(HOUR + 20 * 60)
    since = project.now
    project.run_until(since + 10 * 60)
    assert 40 == len(project.requests_of("status", since=since))
    assert 40 == len(project.requests_of("items", since=since))
