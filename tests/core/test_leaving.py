"""How long jobs stay, which are shown, and when a project is stale."""

from dataclasses import replace

import pytest

from exporter.core.events import JobEnded
from exporter.core.observations import Scraped, Shown, TimePassed
from exporter.domain import Job, JobStatus, JobType
from tests.support.history import EPOCH, HOUR, History, counts, job


def ended(job_id: str = "job-1", **facts: object) -> Job:
    return job(job_id, **({"status": JobStatus.COMPLETED} | facts))


def settle(history: History, *jobs: Job) -> History:
    """Answer all requests for ended jobs: then they wait only for time and scrapes."""
    for over in jobs or (ended(),):
        history.status(over).count(over.id, counts(completed=10))
    return history


class TestRetention:
    """Ended jobs stay for their retention and until their final state was scraped."""

    def test_a_job_that_ended_cleanly_stays_for_its_retention(self) -> None:
        """From when it was seen to end."""
        history = settle(History().listing(job()).at(90).listing(ended())).scrape().scrape()
        assert "job-1" in history.at(90 + HOUR - 1).shown()
        assert "job-1" not in history.at(90 + HOUR).shown()

    def test_a_job_with_failures_stays_longer(self) -> None:
        """Whether it failed, reports failed items, or they were counted."""
        last = (
            *(ended("a", status=JobStatus.FAILED), ended("b", failed_items=1)),
            *(ended("c"), ended("clean")),
        )
        history = History().listing(*(job(over.id) for over in last)).at(90).listing(*last)
        settle(history, *last).count("c", counts(failed=1, completed=9)).scrape().scrape()
        assert list(history.at(90 + 24 * HOUR - 1).shown()) == ["a", "b", "c"]
        assert list(history.at(90 + 24 * HOUR).shown()) == []

    def test_a_job_stays_until_its_final_state_was_scraped_often_enough(self) -> None:
        """However long Prometheus was away, within the longer retention."""
        history = settle(History().listing(job()).at(90).listing(ended())).scrape()
        assert "job-1" in history.at(90 + 3 * HOUR).shown()
        history.scrape()
        assert "job-1" not in history.shown()

    def test_fewer_scrapes_may_be_enough_after_a_reload(self) -> None:
        """Scrapes that were seen before it count."""
        history = settle(History(min_scrapes=3).listing(job()).at(90).listing(ended()))
        history.scrape().scrape()
        assert "job-1" in history.at(90 + HOUR).shown()
        history.core.change_rules(replace(history.rules, min_scrapes=1), 90 + HOUR)
        assert "job-1" not in history.at(90 + HOUR + 1).shown()

    def test_a_scrape_may_be_known_before_its_view_is_known_to_be_published(self) -> None:
        """Scrapes show a view a moment before the core receives that."""
        history = settle(History(min_scrapes=1).listing(job()).at(90).listing(ended()))
        view = history.core.view(90)
        history.receive(Scraped(view.number))
        history.receive(Shown(view))
        assert "job-1" in history.shown()
        history.at(90 + HOUR).receive(TimePassed())
        assert history.core.view(90 + HOUR).tracked_jobs == 0

    def test_a_scrape_of_an_earlier_state_does_not_count(self) -> None:
        """It did not show the end."""
        history = settle(History().listing(job()).scrape().scrape().at(90).listing(ended()))
        assert "job-1" in history.at(90 + 2 * HOUR).shown()
        assert "job-1" not in history.at(90 + 24 * HOUR).shown()

    def test_what_changes_while_it_is_published_is_to_be_scraped_anew(self) -> None:
        """The view that scrapes show from then on was made before."""
        history = History().listing(job()).at(90).listing(ended()).status(ended())
        view = history.core.view(90)
        history.count(items=counts(completed=10)).receive(Shown(view))
        for _ in range(2):
            history.receive(Scraped(view.number))
        assert "job-1" in history.at(90 + 2 * HOUR).shown()
        assert "job-1" not in history.scrape().scrape().shown()

    def test_an_end_that_changes_is_to_be_scraped_anew(self) -> None:
        """The final state is the one with the final count."""
        history = History().listing(job()).at(90).listing(ended()).status(ended())
        history.scrape().scrape().count(items=counts(completed=10)).scrape()
        assert "job-1" in history.at(90 + 2 * HOUR).shown()
        assert "job-1" not in history.scrape().shown()

    def test_a_count_of_before_the_end_is_to_be_scraped_too(self) -> None:
        """It is no final one, but it changes what is shown."""
        history = settle(History().listing(job()).at(90).listing(ended())).scrape().scrape()
        history.count(items=counts(completed=9), asked=80).scrape()
        assert "job-1" in history.at(90 + 2 * HOUR).shown()
        assert "job-1" not in history.scrape().shown()

    def test_a_job_that_was_retried_and_ended_unseen_is_requested_anew(self) -> None:
        """And stays for a retention of its own, or what it shows would be of its first end."""
        for again in ({"status": JobStatus.COMPLETED}, {"completed_at": EPOCH + HOUR}):
            first = ended(status=JobStatus.FAILED, completed_at=EPOCH + 80)
            history = History().listing(job()).at(90).status(first)
            history.count(items=counts(failed=10)).scrape().scrape()
            assert history.due().regular == []
            history.at(90 + HOUR).listing(replace(first, **again)).scrape().scrape()
            assert history.due().regular == ["job-1"]
            assert history.wants_count()
            history.count(items=counts(completed=10)).scrape().scrape()
            assert "job-1" in history.at(90 + 2 * HOUR - 1).shown()

    def test_a_list_and_a_status_that_contradict_each_other_do_not_keep_it(self) -> None:
        """Of a job that ends again with every answer few ends are believed."""
        listed = ended(completed_at=EPOCH + 80)
        for other in (
            {"status": JobStatus.FAILED},
            {"completed_at": EPOCH + 70},
            {"completed_at": EPOCH + 79.5},
            {"completed_at": None},
        ):
            history = History(retention_failed=2 * HOUR).listing(job())
            minutes, counted = 2, 0
            while "job-1" in history.at(60 * minutes).listing(listed).scrape().shown():
                assert minutes < 60 * 4
                if history.due().regular or history.due().low_priority:
                    history.status(replace(listed, **other))
                if history.wants_count():
                    history.count(items=counts(completed=10))
                    counted += 1
                minutes += 1
            assert counted <= 10

    def test_ends_without_number_are_not_believed(self) -> None:
        """A time of completion that is always that of the answer would keep a job for ever."""
        history = History(retention_failed=2 * HOUR).listing(job())
        minutes = 2
        while "job-1" in history.at(60 * minutes).scrape().shown():
            assert minutes < 60 * 4
            history.listing(ended(completed_at=history.now))
            minutes += 1

    def test_what_is_not_published_does_not_keep_it(self) -> None:
        """``updated_at`` may move for ever."""
        history = History().listing(job())
        for number in range(4):
            over = ended(completed_at=EPOCH + 80, updated_at=EPOCH + 80 + number)
            history.at(90 + number).listing(over)
            if number == 0:
                settle(history, over)
            history.scrape()
        assert {} == history.at(90 + HOUR).shown()

    def test_without_scrapes_to_wait_for_time_alone_decides(self) -> None:
        """``retention.min_scrapes`` 0."""
        history = settle(History(min_scrapes=0).listing(job()).at(90).listing(ended()))
        assert "job-1" not in history.at(90 + HOUR).shown()

    def test_a_job_that_had_ended_before_it_was_seen_stays_for_the_rest(self) -> None:
        """Of the time since it ended."""
        rows = (
            ended("recent", completed_at=EPOCH - 0.5 * HOUR),
            ended("old", created_at=EPOCH - 3 * HOUR, completed_at=EPOCH - 2 * HOUR),
            ended("failed", completed_at=EPOCH - 2 * HOUR, status=JobStatus.FAILED),
            ended("updated", updated_at=EPOCH - 0.5 * HOUR),
            ended("dateless", created_at=None),
        )
        history = settle(History().listing(*rows), *rows)
        assert sorted(history.shown()) == ["failed", "recent", "updated"]
        history.scrape().scrape()
        assert list(history.at(0.5 * HOUR).shown()) == ["failed"]

    def test_a_job_that_has_left_is_shown_with_another_end(self) -> None:
        """It was retried and ended unseen, and people search for failed jobs."""
        for again in ({"status": JobStatus.FAILED}, {"completed_at": EPOCH + 3 * HOUR - 30}):
            first = ended(completed_at=EPOCH + 80)
            history = settle(History().listing(job()).at(90).listing(first), first)
            assert "job-1" not in history.scrape().scrape().at(90 + HOUR).shown()
            last = replace(first, **{"completed_at": EPOCH + 3 * HOUR - 20} | again)
            history.at(3 * HOUR).listing(last)
            assert last.status is history.shown()["job-1"].status
            settle(history, last).scrape().scrape().at(4 * HOUR - 40).listing(last)
            assert "job-1" in history.shown()
            assert "job-1" not in history.at(3 * HOUR + 25 * HOUR).listing(last).shown()
            assert "job-1" not in history.listing(last).shown()

    def test_a_date_that_became_known_late_shows_another_end_as_well(self) -> None:
        """Whether it became known while the job was shown or after it had left."""
        for known_from in (100, 90 + 2 * HOUR):
            history = settle(History().listing(job()).at(90).listing(ended())).scrape().scrape()
            has_left = "job-1" not in history.at(known_from).shown()
            assert has_left == (known_from > HOUR)
            history.listing(first := ended(completed_at=EPOCH + 80))
            settle(history, first)
            assert "job-1" not in history.scrape().scrape().at(90 + 3 * HOUR).shown()
            history.listing(replace(first, completed_at=EPOCH + 3 * HOUR))
            assert "job-1" in history.shown()

    @pytest.mark.parametrize("dated", [True, False])
    def test_a_job_whose_list_and_status_contradict_each_other_leaves_once(
        self, *, dated: bool
    ) -> None:
        """Its end is logged once for each different end, not more often."""
        completed_at = EPOCH + 80 if dated else None
        listed = ended(status=JobStatus.FAILED, completed_at=completed_at)
        history = History(min_scrapes=0).listing(job()).at(90)
        shown = []
        for hour in range(100):
            history.at(90 + hour * HOUR / 2).listing(listed)
            history.status(ended(completed_at=completed_at))
            shown.append("job-1" in history.shown())
        assert sorted(shown, reverse=True) == shown
        assert not shown[-1]
        assert len([event for event in history.events if isinstance(event, JobEnded)]) == 2

    def test_a_list_that_shows_two_ends_in_turn_logs_each_once(self) -> None:
        """Of a job that has long left."""
        history = History().listing(job()).at(90).listing(first := ended(completed_at=EPOCH + 80))
        assert "job-1" not in history.scrape().scrape().at(90 + 30 * HOUR).shown()
        for moment in range(20):
            history.at(90 + 30 * HOUR + moment).listing(
                replace(first, completed_at=EPOCH + 80 + 2 * (moment % 2))
            )
        assert len([event for event in history.events if isinstance(event, JobEnded)]) == 2

    def test_an_end_that_is_reported_again_is_not_shown_again(self) -> None:
        """Nor one whose date differs by less than a second, or was left out."""
        first = ended(completed_at=EPOCH + 80)
        history = settle(History().listing(job()).at(90).listing(first), first)
        assert "job-1" not in history.scrape().scrape().at(90 + HOUR).shown()
        for completed_at in (EPOCH + 80, EPOCH + 80.5, None):
            history.listing(replace(first, completed_at=completed_at))
            assert "job-1" not in history.shown()

    def test_a_job_is_not_shown_twice(self) -> None:
        """Not even if LlamaCloud's dates say that it ended only now."""
        history = settle(History(min_scrapes=0).listing(job()).at(90).listing(ended()))
        assert history.at(2 * HOUR).shown() == {}
        history.listing(ended(updated_at=EPOCH + 2 * HOUR))
        assert history.shown() == {}

    def test_active_jobs_never_expire(self) -> None:
        """Not even after weeks."""
        history = History().listing(job()).at(1000 * HOUR).listing(job())
        assert "job-1" in history.shown()

    def test_a_job_that_is_active_again_stays(self) -> None:
        """Its retention is forgotten."""
        history = settle(History(min_scrapes=0).listing(job()).at(90).listing(ended()))
        history.at(120).listing(job()).at(120 + HOUR).listing(job())
        assert "job-1" in history.shown()


class TestCap:
    """The cap hides the least important jobs, the same ones each time."""

    def test_the_most_important_jobs_are_shown(self) -> None:
        """Active and failing, active, ended with failures, the newest ended."""
        ranked = [
            job("active-failing", failed_items=1),
            job("active-old", created_at=EPOCH + 1),
            job("active-new", created_at=EPOCH + 2),
            ended("ended-failing", completed_at=EPOCH - 50, failed_items=1),
            ended("ended-new", completed_at=EPOCH - 10),
            ended("ended-old", completed_at=EPOCH - 20),
        ]
        for cap in range(1, 7):
            history = History(max_jobs=cap).listing(*reversed(ranked))
            assert {shown.id for shown in ranked[:cap]} == set(history.shown())
            assert 6 - cap == history.view().hidden_jobs
            assert history.view().tracked_jobs == 6

    def test_a_cap_of_zero_shows_totals_only_and_hides_nothing(self) -> None:
        """Users who want no series of single jobs need no alert about hidden ones."""
        view = History(max_jobs=0).listing(job("a", failed_items=1), job("b")).view()
        assert ((), 0, 2) == (view.jobs, view.hidden_jobs, view.tracked_jobs)
        assert view.gauges is not None
        assert 1 == view.gauges.failing_jobs[JobType.PARSE]

    def test_aggregates_cover_hidden_jobs(self) -> None:
        """The cap is for series, not for the truth."""
        history = History(max_jobs=1).listing(
            job("a", failed_items=1), job("b", failed_items=2), job("c", job_type=JobType.EXTRACT)
        )
        gauges = history.view().gauges
        assert gauges is not None
        assert gauges.active_jobs[JobType.PARSE, JobStatus.RUNNING] == 2
        assert gauges.active_jobs[JobType.EXTRACT, JobStatus.RUNNING] == 1
        assert gauges.failing_jobs[JobType.PARSE] == 2

    def test_hidden_jobs_leave_by_time_alone(self) -> None:
        """No scrape will ever show them."""
        history = History(max_jobs=1).listing(job("a"), job("b")).at(90)
        settle(history.listing(job("a"), ended("b")), ended("b"))
        assert history.at(90 + HOUR).view().tracked_jobs == 1


class TestStale:
    """A project that was not listed for too long."""

    def test_active_jobs_and_gauges_are_withdrawn(self) -> None:
        """What had ended stays: it is still true."""
        history = History().listing(job("a"), job("b")).at(60).listing(job("a"), ended("b"))
        assert list(history.at(360).shown()) == ["a", "b"]
        view = history.at(361).view()
        assert [shown.job_id for shown in view.jobs] == ["b"]
        assert view.gauges is None

    def test_a_listing_brings_them_back(self) -> None:
        """At once."""
        history = History().listing(job()).at(1000).listing(job(), truncated=True)
        view = history.view()
        assert [shown.job_id for shown in view.jobs] == ["job-1"]
        assert view.gauges is not None
        assert view.listing_truncated is True

    def test_only_a_whole_listing_that_reached_the_end_shows_that_nothing_is_missing(self) -> None:
        """A listing that stopped early does not show it."""
        history = History().listing().at(30).listing(truncated=True)
        assert history.at(60).listing(reached_end=False).view().listing_truncated is True
        assert history.at(90).listing().view().listing_truncated is False
        assert history.at(120).listing(reached_end=False).view().listing_truncated is False

    def test_before_the_first_listing_there_are_only_counters(self) -> None:
        """Zeros from the start, but no gauge that would be made up."""
        view = History().view()
        assert (view.gauges, view.last_listing_at, view.listing_truncated) == (None, None, None)
        finished = view.counters.jobs_finished
        assert {0} == set(finished.values())
        assert {"completed", "failed", "cancelled", "gone", "unknown"} == {
            status for _, status in finished
        }

    def test_uncounted_jobs_are_withdrawn_too(self) -> None:
        """Their number is not known."""
        history = History().listing(job("a"), ended("b", completed_at=EPOCH))
        assert 2 == history.view().uncounted_jobs
        assert history.at(301).view().uncounted_jobs is None

    def test_retention_goes_on_while_a_project_is_stale(self) -> None:
        """Time does not wait for an answer."""
        history = settle(History(min_scrapes=0).listing(job()).at(90).listing(ended()))
        assert history.at(90 + HOUR).shown() == {}
