"""Jobs that begin and end between two listings, and a budget that cannot count all of them."""

from __future__ import annotations

from typing import Any

from exporter.core.events import JobGivenUp, PollFinished, RefreshFailed, RefreshRecovered
from exporter.domain import ItemStatus, JobStatus, JobType, NotCounted, UncountedReason
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, History, answered, counts, job
from tests.support.virtual_time import Polling

COMPLETED = (JobType.PARSE, ItemStatus.COMPLETED)


def with_short_jobs(number: int, **rules: Any) -> Polling:
    """Add jobs of nine items that begin and end within the first interval."""
    project = Polling(requests_per_minute=10, retention_finished=300.0, **rules)
    project.run_until(1)
    for name in (f"short-{n:02}" for n in range(number)):
        ended = job(
            name,
            status=JobStatus.COMPLETED,
            total_items=9,
            created_at=EPOCH + 2,
            completed_at=EPOCH + 20,
        )
        project.cloud.add(ended)
        project.cloud.items[name] = counts(completed=9)
    return project


def test_all_of_them_are_counted_after_their_retention() -> None:
    """They stay until they are counted, and show as uncounted until then."""
    project = with_short_jobs(80)
    project.every(30.0, project.scrape)
    project.run_until(320)
    assert 0 < project.view().counters.items_finished[COMPLETED] < 400
    assert 40 < (project.view().uncounted_jobs or 0)
    project.run_until(HOUR)
    assert 720 == project.view().counters.items_finished[COMPLETED]
    assert 0 == project.view().uncounted_jobs
    assert 0 == project.view().tracked_jobs
    assert [] == project.events_of(JobGivenUp)


def test_what_is_given_up_is_reported() -> None:
    """After ``retention.failed`` nothing is awaited of a job any more."""
    project = with_short_jobs(80, retention_failed=900.0)
    project.run_until(HOUR)
    counted = project.view().counters.items_finished[COMPLETED]
    assert 0 < counted < 720
    given_up = {event.job.id for event in project.events_of(JobGivenUp)}
    assert len(project.events_of(JobGivenUp)) == len(given_up) == 80 - counted / 9
    assert 0 == project.view().tracked_jobs


def test_jobs_whose_retention_is_over_when_they_are_found_are_counted_all_the_same() -> None:
    """They ended while the project could not be listed."""
    project = Polling(retention_finished=300.0, min_scrapes=0)
    project.run_until(1)
    project.cloud.failing["list"] = failure()
    ended = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 90, failed_items=None)
    project.cloud.add(ended)
    project.cloud.items["job-1"] = counts(completed=7, failed=3)
    project.at(HOUR, project.cloud.failing.clear)
    project.run_until(HOUR + 60)
    assert 3 == project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
    assert [] == project.events_of(JobGivenUp)


def test_jobs_that_are_found_after_their_time_are_given_up() -> None:
    """They count, but their items are no longer requested."""
    project = Polling(retention_failed=HOUR, min_scrapes=0)
    project.run_until(1)
    project.cloud.failing["list"] = failure()
    project.cloud.add(job(status=JobStatus.COMPLETED, completed_at=EPOCH + 90))
    project.at(2 * HOUR, project.cloud.failing.clear)
    project.run_until(3 * HOUR)
    assert 0 == project.view().tracked_jobs
    assert ["job-1"] == [event.job.id for event in project.events_of(JobGivenUp)]


def test_an_ended_job_whose_final_count_fails_is_uncounted() -> None:
    """Its count while active may be too low. It is requested less and less often."""
    project = Polling(job(), retention_finished=300.0, min_scrapes=0)
    project.cloud.items["job-1"] = counts(completed=4, pending=6)
    project.run_until(45)
    project.cloud.add(job(status=JobStatus.COMPLETED, failed_items=None))
    project.cloud.items["job-1"] = counts(completed=5, failed=5)
    project.cloud.failing["items"] = failure("server")
    project.run_until(HOUR)
    assert 1 == project.view().uncounted_jobs
    asked = [request.moment for request in project.requests_of("items", since=46)]
    assert [round((moment - asked[0]) / 30) for moment in asked[:6]] == [0, 1, 3, 7, 15, 31]
    project.cloud.failing.clear()
    project.run_until(HOUR + 1000)
    assert 5 == project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
    assert 0 == project.view().uncounted_jobs


def test_a_job_whose_status_cannot_be_read_is_counted_all_the_same() -> None:
    """Its failed items may be known from nowhere else."""
    project = Polling(job(failed_items=None))
    project.cloud.items["job-1"] = counts(failed=10)
    project.cloud.failing["status"] = failure("bad_response")
    project.run_until(HOUR)
    assert 10 == project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
    assert 1 == len(project.events_of(RefreshFailed))
    assert [] == project.events_of(RefreshRecovered)
    assert {"partial"} == {event.result for event in project.events_of(PollFinished, 1)}


def test_a_count_is_judged_by_the_total_that_it_was_begun_with() -> None:
    """A job that grew meanwhile is counted again at once."""
    history = History().listing(job(total_items=1500))
    asked_of = history.known("job-1")
    history.at(10).listing(job(total_items=2000))
    answer = NotCounted("job-1", 10.0, UncountedReason.DOES_NOT_ADD_UP)
    history.receive(answered(answer, 10.0, asked_of))
    assert history.at(40).wants_count()


class TestGivenUp:
    """A job is given up if its items were never fully counted and are no longer requested."""

    def test_a_job_with_too_many_items_is_given_up_at_its_end(self) -> None:
        """Its limits are larger then, and were not large enough."""
        ended = job(status=JobStatus.COMPLETED)
        history = History().listing(job()).count().at(60).listing(ended).status(ended)
        assert [] == given_up(history)
        history.count()
        assert ["job-1"] == given_up(history)
        assert 1 == history.view().uncounted_jobs

    def test_a_job_that_is_gone_is_given_up_unless_it_was_counted(self) -> None:
        """LlamaCloud has nothing more to say of it."""
        for items, expected in (
            (None, ["job-1"]),
            (counts(completed=9, processing=1), ["job-1"]),
            (counts(completed=10), []),
        ):
            history = History().listing(job())
            if items is not None:
                history.count(items=items)
            history.at(30).listing().not_found().at(60).listing().not_found()
            assert expected == given_up(history)

    def test_a_job_whose_items_never_settle_is_given_up_after_five_counts(self) -> None:
        """This is reported once, also if the job changes later."""
        ended = job(status=JobStatus.CANCELLED)
        history = History().listing(job()).at(60).listing(ended).status(ended)
        for interval in (0, 1, 3, 7, 15):
            assert [] == given_up(history)
            history.at(60 + 30 * interval).count(items=counts(pending=10))
        assert ["job-1"] == given_up(history)
        history.at(900).listing(job(status=JobStatus.CANCELLED, failed_items=2))
        history.count(items=counts(failed=2, pending=8)).at(30 * HOUR).view()
        assert ["job-1"] == given_up(history)

    def test_items_that_do_not_add_up_are_counted_five_times(self) -> None:
        """The list may have moved while it was read."""
        ended = job(status=JobStatus.COMPLETED)
        history = History().listing(job()).at(60).listing(ended).status(ended)
        for interval in (0, 1, 3, 7):
            history.at(60 + 30 * interval).does_not_add_up()
            assert [] == given_up(history)
            assert not history.wants_count()
        history.at(60 + 30 * 15)
        assert history.wants_count()
        history.does_not_add_up()
        assert ["job-1"] == given_up(history)

    def test_without_counting_nothing_is_given_up(self) -> None:
        """Items are not requested at all."""
        ended = job(status=JobStatus.COMPLETED)
        history = History(items_enabled=False, min_scrapes=0).listing(job()).at(60).listing(ended)
        history.status(ended).at(2 * HOUR)
        assert {} == history.shown()
        assert [] == given_up(history)


def given_up(history: History) -> list[str]:
    """Return the jobs that were reported as given up."""
    return [event.job.id for event in history.events if isinstance(event, JobGivenUp)]
