"""When a project is listed, and how far back, in virtual time."""

from itertools import pairwise

import pytest

from exporter.core.actions import ListJobs, WaitUntil
from exporter.core.events import PollFinished
from exporter.core.observations import KeyChanged
from exporter.core.project import ProjectCore
from exporter.domain import JobStatus, JobType, ListingPlan
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, RULES, job
from tests.support.virtual_time import Polling, list_now

INTERVAL = 30.0
DAY = 24 * HOUR


# So old that only a full listing shows it.
OLD = job("old", status=JobStatus.COMPLETED, created_at=EPOCH - DAY, completed_at=EPOCH - DAY)


def plans(project: Polling) -> list[ListingPlan]:
    """Return what was to be listed, each time."""
    return [r.action.plans["v1beta"] for r in project.requests if isinstance(r.action, ListJobs)]


def listed_at(project: Polling, since: float = 0.0) -> list[float]:
    """Return the moments at which listings began."""
    return [round(request.moment, 3) for request in project.requests_of("list", since=since)]


def waits(project: Polling) -> list[float]:
    """Return the seconds between one listing's beginning and the next's."""
    return [later - earlier for earlier, later in pairwise(listed_at(project))]


def test_listings_begin_every_interval() -> None:
    """However long each takes, if it is shorter than the interval; without drift over a day."""
    project = Polling()
    project.cloud.seconds["list"] = 2.7
    project.run_until(DAY)
    assert [number * INTERVAL for number in range(2881)] == listed_at(project)


def test_turns_that_were_missed_are_left_out() -> None:
    """As after a slow listing."""
    project = Polling()
    project.cloud.seconds["list"] = 95.0
    project.run_until(10)
    project.cloud.seconds["list"] = 1.0
    project.run_until(200)
    assert [0.0, 120.0, 150.0, 180.0] == listed_at(project)


def test_a_machine_that_was_suspended_lists_at_once_and_keeps_its_steps() -> None:
    """What was missed is not caught up on."""
    core = ProjectCore(RULES, 0.0)
    list_now(core, 0.0)
    assert WaitUntil(30.0) == core.next_action(0.0)
    list_now(core, 10_031.0)
    assert WaitUntil(10_050.0) == core.next_action(10_031.0)


def test_a_refused_key_is_tried_less_and_less_often() -> None:
    """Waits double from one interval up to five minutes; nothing else is requested."""
    project = Polling(job())
    project.cloud.failing["list"] = failure("unauthorized")
    project.cloud.seconds["list"] = 0.0
    project.run_until(1050)
    assert [30, 60, 120, 240, 300, 300] == waits(project)
    assert [] == project.requests_of("status", "items")
    # Tried for days, it comes back by itself.
    project.run_until(3 * DAY)
    project.cloud.failing.clear()
    project.run_until(3 * DAY + 300)
    project.run_until(3 * DAY + 600)
    assert [30, 30, 30] == waits(project)[-3:]
    assert project.view().gauges


def test_a_long_interval_is_kept_where_the_key_is_refused() -> None:
    """It is seldom enough."""
    project = Polling(interval=HOUR)
    project.cloud.failing["list"] = failure("unauthorized")
    project.cloud.seconds["list"] = 0.0
    project.run_until(DAY)
    assert {HOUR} == set(waits(project))


@pytest.mark.parametrize("reason", ["network", "timeout", "server", "forbidden", "rate_limited"])
def test_other_failures_are_tried_again_after_an_interval(reason: str) -> None:
    """They may be over by then."""
    project = Polling()
    project.cloud.failing["list"] = failure(reason)
    project.run_until(299)
    assert {INTERVAL} == set(waits(project))


def test_an_accepted_key_ends_the_backing_off() -> None:
    """After the next refusal, waits start from one interval."""
    project = Polling()
    refused = failure("unauthorized")
    project.cloud.seconds["list"] = 0.0
    project.cloud.next_listings.extend([refused, refused, refused, None, refused, refused, None])
    project.run_until(400)
    assert [30, 60, 120, 30, 30, 60, 30] == waits(project)[:7]


def test_another_key_is_tried_at_once() -> None:
    """Not after the wait. If it is refused too, waits start from one interval."""
    project = Polling()
    project.cloud.failing["list"] = failure("unauthorized")
    project.cloud.seconds["list"] = 0.0
    project.run_until(600)
    project.receive(KeyChanged())
    project.wake()
    project.run_until(700)
    assert [600.0, 630.0, 690.0] == listed_at(project, since=600)
    project.cloud.failing.clear()
    project.receive(KeyChanged())
    project.wake()
    project.run_until(740)
    assert [700.0, 730.0] == listed_at(project, since=700)


def test_a_key_that_is_replaced_while_it_is_accepted_disturbs_nothing() -> None:
    """One listing comes early, and the others an interval apart."""
    project = Polling(job())
    project.run_until(40)
    project.receive(KeyChanged())
    project.wake()
    project.run_until(101)
    assert [0.0, 30.0, 40.0, 70.0, 100.0] == listed_at(project)
    assert {"success"} == {poll.result for poll in project.events_of(PollFinished)}


def test_a_key_that_is_refused_for_one_job_is_not_tried_on_the_others() -> None:
    """The next listing shows whether it still is."""
    project = Polling(*(job(f"job-{number:02}") for number in range(30)), slots=4)
    project.cloud.failing["status"] = failure("unauthorized")
    project.run_until(10 * INTERVAL - 1)
    assert 10 * 4 == len(project.requests_of("status"))
    polls = project.events_of(PollFinished)
    assert {("partial", frozenset({failure("unauthorized").reason}))} == {
        (poll.result, poll.reasons) for poll in polls
    }


def test_a_listing_is_full_every_quarter_of_an_hour() -> None:
    """The others stop at jobs older than an hour before the last one."""
    project = Polling(OLD)
    project.run_until(HOUR - 1)
    listed = list(zip(listed_at(project), plans(project), strict=True))
    assert [0.0, 900.0, 1800.0, 2700.0] == [at for at, plan in listed if plan.news_since is None]
    for moment, plan in listed:
        before = EPOCH + moment - INTERVAL - HOUR
        assert plan.news_since in {None, before}


def test_a_full_listing_that_fails_is_due_again_soon() -> None:
    """What it was for is still unknown; until then there is what is new."""
    project = Polling(OLD)
    project.run_until(899)
    project.cloud.next_listings.append(failure())
    project.run_until(1260)
    since = [plan.news_since for plan in plans(project)[30:]]
    assert [0, 11] == [place for place, moment in enumerate(since) if moment is None]
    assert [EPOCH + 870 - HOUR, EPOCH + 930 - HOUR] == since[1:3]


def test_a_bad_page_deep_in_the_history_hides_nothing_new() -> None:
    """Only full listings come to it, and fail."""
    project = Polling(OLD)
    project.run_until(60)
    project.cloud.failing_full_listings = failure("server")
    project.every(600.0, lambda: project.cloud.add(job(f"job-{project.now}")))
    project.run_until(3 * HOUR)
    gauges = project.view().gauges
    assert gauges is not None
    assert 17 <= gauges.active_jobs[JobType.PARSE, JobStatus.RUNNING] <= 18
    failed = [event for event in project.events_of(PollFinished) if event.result == "error"]
    assert len(failed) < 3 * 12 + 2


def test_a_listing_carries_the_filters_and_its_bound() -> None:
    """They come from the settings."""
    project = Polling(listing_max_requests=7, directory_ids=("d",), job_types=("parse",))
    project.run_until(1)
    (plan,) = plans(project)
    assert (7, ("d",), ("parse",)) == (plan.max_requests, plan.directory_ids, plan.job_types)


def test_news_that_came_while_listings_failed_for_hours_are_not_lost() -> None:
    """The listing after them goes back to an hour before the last that succeeded."""
    project = Polling()
    project.run_until(HOUR)
    project.cloud.failing["list"] = failure()
    project.run_until(5 * HOUR)
    ended_at = EPOCH + 2 * HOUR
    project.cloud.add(job(status=JobStatus.FAILED, created_at=ended_at - 60, completed_at=ended_at))
    project.cloud.failing.clear()
    project.run_until(5 * HOUR + INTERVAL + 1)
    assert 1 == sum(project.view().counters.jobs_finished.values())


def test_the_project_id_is_the_first_that_a_row_shows() -> None:
    """Without its prefix, and kept whatever later rows show; a configured one is shown as it is."""
    uuid = "7c1d6f1e-7d4a-4b8e-9c52-0f5f3a9d2b11"
    project = Polling(job("a", project_id=None), job("b", project_id=f"proj-{uuid}"))
    project.run_until(29)
    gauges = project.view().gauges
    assert gauges is not None
    assert uuid == gauges.project_id
    project.cloud.change("b", project_id="another")
    project.run_until(59)
    gauges = project.view().gauges
    assert gauges is not None
    assert uuid == gauges.project_id


def test_an_ended_job_in_an_unknown_status_is_not_requested_once_its_retention_is_over() -> None:
    """Its completion time shows that it has ended, and when."""
    ended = {"status": JobStatus.UNKNOWN, "created_at": EPOCH - 9000, "completed_at": EPOCH - 8000}
    project = Polling(job("old", **ended), job("new"))
    project.run_until(89)
    assert ["new"] == [view.job_id for view in project.view().jobs]
    assert {"", "new"} == {request.job_id for request in project.requests}
