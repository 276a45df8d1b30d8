"""Settings that are replaced while a project is polled, in virtual time."""

from itertools import pairwise

from exporter.core.actions import ListJobs
from exporter.core.events import PollFinished
from exporter.domain import ItemStatus, JobStatus, JobType
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, counts, job
from tests.support.virtual_time import Polling


def listings(project: Polling) -> list[float]:
    """Return when the project was listed."""
    return [request.moment for request in project.requests_of("list")]


def test_another_interval_applies_at_once() -> None:
    """A shorter one does not wait for the end of a longer one, which waits for the next listing."""
    project = Polling(job())
    project.run_until(31)
    project.change(interval=10.0)
    project.run_until(62)
    assert [0.0, 30.0, 41.0, 51.0, 61.0] == listings(project)
    project.change(interval=100.0)
    project.run_until(372)
    assert [71.0, 171.0, 271.0, 371.0] == listings(project)[5:]


def test_an_interval_that_is_much_shorter_begins_no_poll_in_the_past() -> None:
    """The next listing is due after the new interval."""
    project = Polling(job(), interval=HOUR, stale_after=2 * HOUR)
    project.run_until(1000)
    project.change(interval=30.0)
    project.run_until(1061)
    assert [0.0, 1030.0, 1060.0] == listings(project)
    assert max(poll.seconds for poll in project.events_of(PollFinished)) < 1.0


def test_intervals_that_change_all_the_time_list_no_more_often() -> None:
    """Nor less often than the longest of them."""
    project = Polling(job(), interval=30.0)
    for step in range(1, 1200):
        project.run_until(step / 5)
        project.change(interval=30.0 if step % 2 else 40.0)
    moments = listings(project)
    gaps = {round(later - one, 1) for one, later in pairwise(moments)}
    assert gaps <= {30.0, 30.2, 40.0}
    assert len(moments) >= 6


def test_a_refused_key_waits_no_longer_than_the_other_interval_allows() -> None:
    """It is tried again after the new interval, where it was an hour."""
    project = Polling(job(), interval=HOUR, stale_after=2 * HOUR)
    project.cloud.failing["list"] = failure("unauthorized")
    project.run_until(100)
    project.change(interval=30.0)
    project.run_until(131)
    assert [0.0, 130.0] == [round(moment) for moment in listings(project)]


def test_a_generation_that_is_set_aside_is_requested_as_often_as_the_other_rules_say() -> None:
    """It does not wait for the end of what was said before."""
    project = Polling(job(), api_versions=("v1beta", "v2"), full_listing_every=24 * HOUR)
    project.clouds["v2"].failing["list"] = failure("not_found", is_refusal=True)
    project.run_until(100)
    project.change(full_listing_every=600.0)
    project.run_until(800)
    plans = [r.action.plans for r in project.requests if isinstance(r.action, ListJobs)]
    assert 2 == sum("v2" in asked for asked in plans)


def test_another_retention_lets_jobs_go_at_once() -> None:
    """Also where it is shorter than what was waited for."""
    ended_at = EPOCH - 100
    project = Polling(job(status=JobStatus.COMPLETED, completed_at=ended_at, created_at=0.0))
    project.cloud.items["job-1"] = counts(completed=10)
    project.run_until(1000)
    assert 1 == project.view().tracked_jobs
    project.change(retention_finished=600.0, min_scrapes=0)
    project.run_until(1032)
    assert 0 == project.view().tracked_jobs


def test_another_cap_shows_other_jobs() -> None:
    """Fewer or more."""
    project = Polling(*(job(f"job-{number}") for number in range(5)), max_jobs=3)
    for most, number in ((2, 2), (4, 4), (10, 5)):
        project.run_until(project.now + 29)
        project.change(max_jobs=most)
        project.run_until(project.now + 31)
        view = project.view()
        assert (number, 5 - number) == (len(view.jobs), view.hidden_jobs)


def test_counting_can_be_turned_off_and_on() -> None:
    """Nothing is counted meanwhile."""
    project = Polling(job())
    project.run_until(59)
    for enabled, items in ((False, 2), (True, 4)):
        project.change(items_enabled=enabled)
        project.run_until(project.now + 60)
        assert items == len(project.requests_of("items"))


def test_counters_of_what_is_counted_go_and_come_back_as_they_were() -> None:
    """They need counting. What ended meanwhile is added with the next count."""
    project = Polling(job())
    completed = (JobType.PARSE, ItemStatus.COMPLETED)
    project.cloud.items["job-1"] = counts(completed=4, processing=6)
    project.run_until(59)
    assert 4 == project.view().counters.items_finished[completed]
    project.change(items_enabled=False)
    project.cloud.items["job-1"] = counts(completed=7, processing=3)
    project.run_until(119)
    without = project.view()
    assert completed not in without.counters.items_finished
    assert ({}, {}) == (without.counters.items_failed, without.counters.item_duration)
    assert [None] == [shown.items for shown in without.jobs]
    project.change(items_enabled=True)
    project.run_until(120.5)
    assert 4 == project.view().counters.items_finished[completed]
    project.run_until(179)
    assert 7 == project.view().counters.items_finished[completed]


def test_counters_begin_where_counting_begins() -> None:
    """With zeros for all that is known beforehand."""
    project = Polling(items_enabled=False)
    project.run_until(31)
    assert {} == project.view().counters.items_failed
    project.change(items_enabled=True)
    project.run_until(33)
    assert {0} == set(project.view().counters.items_failed.values())
    other = Polling()
    other.run_until(33)
    assert other.view().counters == project.view().counters


def test_a_longer_staleness_brings_active_jobs_back() -> None:
    """They were only withdrawn."""
    project = Polling(job())
    project.run_until(29)
    project.cloud.failing["list"] = failure()
    project.run_until(400)
    assert () == project.view().jobs
    project.change(stale_after=HOUR)
    project.run_until(406)
    assert ["job-1"] == [shown.job_id for shown in project.view().jobs]
