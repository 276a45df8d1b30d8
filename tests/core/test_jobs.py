"""One job: its record, progress, end, and its events."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.core.events import (
    ItemsFailed,
    ItemsFailedBeforeStart,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    MoreItemsFailed,
)
from exporter.domain import FailedItem, JobStatus
from tests.support.history import EPOCH, History, counts, job


class TestRecord:
    """Whichever answer is newer is what is published, as one consistent record."""

    def test_a_status_answer_replaces_an_older_row(self) -> None:
        """With its progress."""
        history = (
            History().listing(job(processed_items=1)).at(5).status(job(processed_items=2), 0.2)
        )
        view = history.shown()["job-1"]
        assert (
            view.processed_items,
            view.progress_ratio,
            view.last_refreshed_at,
        ) == (2, 0.2, EPOCH + 5)

    def test_a_newer_row_keeps_the_progress_of_the_last_status_answer(self) -> None:
        """A row has none."""
        history = History().listing(job()).at(5).status(job(processed_items=2), 0.2)
        view = history.at(30).listing(job(processed_items=3)).shown()["job-1"]
        assert (
            view.processed_items,
            view.progress_ratio,
            view.last_refreshed_at,
        ) == (3, 0.2, EPOCH + 5)

    def test_a_row_that_changes_after_the_end_has_the_progress_requested_again(self) -> None:
        """Items may settle a little later than their job, whose progress then rises once more."""
        ended = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 100, processed_items=3)
        history = History().listing(job()).at(105).status(ended, 0.3)
        history.at(106).count(items=counts(completed=10))
        assert [] == history.due().regular
        settled = replace(ended, processed_items=10)
        assert ["job-1"] == history.at(130).listing(settled).due().regular
        view = history.at(131).status(settled, 1.0).shown()["job-1"]
        assert (1.0, EPOCH + 131) == (view.progress_ratio, view.last_refreshed_at)
        history.at(132).count(items=counts(completed=10))
        assert [] == history.at(160).listing(settled).due().regular

    def test_a_job_first_seen_ended_is_counted_again_when_its_row_changes(self) -> None:
        """Without waiting for the next count: what was counted may be otherwise as well."""
        ended = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 100, processed_items=3)
        history = History().listing().at(105).listing(ended).at(106).status(ended, 0.3)
        history.count(items=counts(completed=3, processing=7))
        assert [] == history.due().low_priority
        settled = replace(ended, processed_items=10)
        assert [] == history.at(110).listing(ended).due().low_priority
        assert ["job-1"] == history.listing(settled).due().low_priority
        history.at(111).status(settled, 1.0)
        assert history.wants_count()
        history.count(items=counts(completed=10))
        assert 10 == history.finished_items("completed")
        assert [] == history.at(160).listing(settled).due().low_priority

    def test_a_job_whose_row_goes_on_changing_is_counted_five_times(self) -> None:
        """And then never again."""
        ended = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 100)
        history = History().listing(job())
        for number in range(5):
            row = replace(ended, processed_items=number)
            history.at(105 + number).listing(row).status(row, 0.1)
            assert history.wants_count()
            assert not history.count(items=counts(completed=1)).wants_count()
        row = replace(ended, processed_items=9)
        history.at(120).listing(row)
        assert ["job-1"] == history.due().regular
        assert [] == history.status(row, 0.9).due().regular

    def test_an_answer_requested_before_the_listing_does_not_replace_it(self) -> None:
        """However late it comes."""
        history = History().listing(job()).at(30).listing(job(processed_items=3))
        view = history.at(35).status(job(processed_items=1), 0.1, asked=29).shown()["job-1"]
        assert view.processed_items == 3

    def test_an_answer_about_a_job_that_left_changes_nothing(self) -> None:
        """It may have left during the request."""
        history = History().listing().status(job()).count(items=counts(failed=1))
        assert history.at(1).not_found().shown() == {}

    def test_items_are_published_when_they_were_counted(self) -> None:
        """Before that there are none."""
        history = History().listing(job())
        assert history.shown()["job-1"].items is None
        view = history.at(4).count(items=counts(completed=3, failed=1)).shown()["job-1"]
        assert view.items == counts(completed=3, failed=1).by_status
        assert view.items_last_counted_at == EPOCH + 4

    def test_a_job_with_too_many_items_loses_its_counts(self) -> None:
        """They would fall short."""
        history = History().listing(job()).count(items=counts(completed=3)).at(30).count()
        view = history.shown()["job-1"]
        assert (view.items, view.items_last_counted_at) == (None, None)
        assert history.view().uncounted_jobs == 1


class TestLastProgress:
    """The time of the last change, not the time at which it was noticed."""

    def test_at_first_sight_it_is_the_newest_of_the_jobs_own_times(self) -> None:
        """A restart must not hide a stuck job."""
        stuck = job(created_at=EPOCH - 900, started_at=EPOCH - 800)
        assert last_progress(History().listing(stuck)) == EPOCH - 800

    def test_the_first_count_adds_the_times_of_the_items(self) -> None:
        """The job moved when its last item did."""
        stuck = job(created_at=EPOCH - 900)
        items = replace(counts(completed=1), newest_at=EPOCH - 300)
        assert last_progress(History().listing(stuck).count(items=items)) == EPOCH - 300

    def test_without_any_time_it_is_not_known(self) -> None:
        """A series that is absent, not a made-up value."""
        assert last_progress(History().listing(job(created_at=None))) is None

    @pytest.mark.parametrize(
        "change",
        [
            {"status": JobStatus.PENDING},
            {"total_items": 11},
            {"processed_items": 1},
            {"failed_items": 1},
            {"skipped_items": 1},
        ],
        ids=str,
    )
    def test_a_change_moves_it_to_the_moment_of_the_answer(self, change: dict[str, Any]) -> None:
        """By LlamaCloud's clock."""
        history = History().at(90).listing(job()).at(120).listing(job(**change))
        assert last_progress(history) == EPOCH + 120

    def test_progress_and_counts_that_change_move_it(self) -> None:
        """Each by itself."""
        history = History().at(90).listing(job()).status(job(), 0.1).count(items=counts(pending=9))
        assert last_progress(history) == EPOCH + 60
        assert last_progress(history.at(120).status(job(), 0.2)) == EPOCH + 120
        assert last_progress(history.at(150).count(items=counts(completed=9))) == EPOCH + 150

    def test_looking_again_does_not_move_it(self) -> None:
        """Nor does a number that was not known before."""
        history = History().at(90).listing(job(processed_items=None))
        for moment in (120, 150):
            history.at(moment).listing(job(processed_items=4)).status(job(processed_items=4), 0.4)
            history.count(items=counts(completed=4))
        assert last_progress(history) == EPOCH + 60

    def test_times_in_the_future_are_left_out(self) -> None:
        """With the current time instead, each restart would hide that a job is stuck."""
        items = replace(counts(completed=1), newest_at=EPOCH + 9999)
        history = History().at(90).listing(job(started_at=EPOCH + 5000)).count(items=items)
        assert last_progress(history) == EPOCH + 60

    def test_a_time_of_the_same_second_is_not_in_the_future(self) -> None:
        """LlamaCloud's Date has no fractions."""
        history = History().at(60).listing(job(created_at=EPOCH + 60.9))
        assert last_progress(history) == EPOCH + 60


class TestGone:
    """Jobs that LlamaCloud forgot."""

    def test_a_vanished_job_is_gone_after_a_404_in_two_intervals(self) -> None:
        """Once is not enough: a list and an answer may miss each other."""
        history = History().listing(job()).at(30).listing().not_found().not_found()
        assert JobStatus.RUNNING is history.shown()["job-1"].status
        history.at(60).listing().not_found()
        assert JobStatus.GONE is history.shown()["job-1"].status
        assert history.finished_jobs("gone") == 1
        assert (history.due().regular, history.due().low_priority) == ([], [])

    def test_a_late_count_of_a_job_that_is_gone_requests_no_other(self) -> None:
        """There is nothing left to count."""
        history = History().listing(job()).at(30).listing().not_found()
        history.at(60).listing().not_found().count(items=counts(processing=10))
        assert (history.due().regular, history.due().low_priority) == ([], [])

    def test_a_job_that_is_listed_is_not_gone(self) -> None:
        """Whatever a 404 says."""
        history = History().listing(job()).not_found().at(30).listing(job()).not_found()
        assert JobStatus.RUNNING is history.shown()["job-1"].status

    def test_a_job_that_answers_in_between_is_not_gone(self) -> None:
        """The two must follow each other."""
        history = History().listing(job()).at(30).listing().not_found()
        history.at(60).listing().status(job(), 0.1).at(90).listing().not_found()
        assert JobStatus.RUNNING is history.shown()["job-1"].status

    def test_an_older_request_does_not_show_that_a_job_is_gone(self) -> None:
        """A late 404 is ignored if the record was requested after it."""
        history = History().listing(job()).at(30).listing().not_found()
        history.at(59).status(job()).at(60).listing().not_found(asked=58).at(90).listing()
        assert JobStatus.RUNNING is history.not_found().shown()["job-1"].status
        assert JobStatus.GONE is history.at(120).listing().not_found().shown()["job-1"].status

    def test_an_older_request_does_not_show_that_an_ended_job_is_final(self) -> None:
        """Its status and its items may still be known."""
        ended = job(status=JobStatus.COMPLETED)
        history = History().listing(job()).at(60).listing(ended).at(90).listing()
        history.not_found(asked=59).at(120).listing()
        assert ["job-1"] == history.not_found().due().regular
        assert [] == history.at(150).listing().not_found().due().regular

    def test_an_ended_job_is_requested_again_after_a_single_404(self) -> None:
        """A list that lost its row and a gateway may miss it at once: its items still count."""
        ended = job(status=JobStatus.COMPLETED)
        history = History().listing(job()).at(60).listing(ended).at(90).listing().not_found()
        assert ["job-1"] == history.at(120).listing(ended).due().regular

    def test_a_job_that_is_gone_may_return(self) -> None:
        """And is active again."""
        history = History().listing(job())
        for moment in (30, 60):
            history.at(moment).listing().not_found()
        history.at(90).listing(job())
        assert JobStatus.RUNNING is history.shown()["job-1"].status
        assert history.due().regular == ["job-1"]

    def test_a_job_that_was_gone_and_returns_ended_is_counted(self) -> None:
        """What was known when it went is not its end."""
        history = History().listing(job()).at(10).status(job(), 0.5)
        history.count(items=counts(completed=5, pending=5))
        for moment in (30, 60):
            history.at(moment).listing().not_found()
        ended = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 80, processed_items=10)
        assert ["job-1"] == history.at(90).listing(ended).due().regular
        history.at(91).status(ended, 1.0)
        assert history.wants_count()
        history.count(items=counts(completed=10))
        assert 10 == history.finished_items("completed")

    def test_a_vanished_job_that_answers_is_published_from_its_status(self) -> None:
        """It may have ended and left the list: it is not running for ever."""
        history = History().listing(job()).at(30).listing()
        history.status(job(status=JobStatus.COMPLETED, processed_items=10), 1.0)
        assert JobStatus.COMPLETED is history.shown()["job-1"].status


class TestEvents:
    """The events for the log."""

    def test_the_life_of_a_job_is_logged_step_by_step(self) -> None:
        """Appearing, each change of status, the end."""
        pending, running = job(status=JobStatus.PENDING), job()
        over = job(status=JobStatus.COMPLETED)
        history = History().listing(pending).at(30).listing(running).at(60).listing(running)
        history.at(90).listing(over).at(120).listing(over)
        assert [
            JobAppeared(pending),
            JobChangedStatus(running, JobStatus.PENDING),
            JobEnded(over),
        ] == history.events

    def test_history_is_not_reported_as_news(self) -> None:
        """Jobs that ended before the exporter started."""
        old = job(status=JobStatus.COMPLETED, created_at=EPOCH - 90, completed_at=EPOCH - 60)
        assert History().listing(old).events == []

    def test_a_job_that_ended_unseen_is_reported_once(self) -> None:
        """Also when its retention is over before it was listed."""
        over = job(status=JobStatus.COMPLETED, created_at=EPOCH - 9, completed_at=EPOCH + 5)
        history = History(retention_finished=10.0).listing()
        for moment in (30, 60, 90):
            history.at(moment).listing(over)
        assert [JobEnded(over)] == history.events

    def test_each_failed_item_is_reported_when_it_is_first_seen(self) -> None:
        """And not again."""
        first, second = FailedItem("i-1", "a.pdf", "bad"), FailedItem("i-2", "b.pdf", None)
        history = History().listing(job())
        history.count(items=replace(counts(failed=1), failed=(first,)))
        history.at(30).count(items=replace(counts(failed=2), failed=(first, second)))
        history.at(60).count(items=replace(counts(failed=2), failed=(second, first)))
        assert [ItemsFailed(job(), (first,)), ItemsFailed(job(), (second,))] == history.events[1:]

    def test_failed_items_of_a_job_that_had_ended_are_summed_up(self) -> None:
        """Failures of a later count are reported one by one."""
        first, second = FailedItem("i-1", "a.pdf", "bad"), FailedItem("i-2", "b.pdf", None)
        old = job(
            status=JobStatus.COMPLETED,
            created_at=EPOCH - 90,
            completed_at=EPOCH - 60,
            failed_items=1,
        )
        history = History().listing(old).status(old, 0.5)
        counted = replace(counts(failed=1), failed=(first,), failure_reasons={"none": 1})
        history.count(items=counted)
        history.at(30).count(items=replace(counts(failed=2), failed=(first, second)))
        assert [
            ItemsFailedBeforeStart(old, 1, {"none": 1}, (first,)),
            ItemsFailed(old, (second,)),
        ] == history.events

    def test_failed_items_of_a_job_that_ended_unseen_since_are_reported_one_by_one(self) -> None:
        """It began and ended between two listings."""
        item = FailedItem("i-1", "a.pdf", "bad")
        over = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 80, failed_items=1)
        history = History().listing().at(90).listing(over).status(over, 0.5)
        history.count(items=replace(counts(failed=1), failed=(item,)))
        assert [JobEnded(over), ItemsFailed(over, (item,))] == history.events

    def test_after_twenty_failed_items_only_their_number_is_reported_once(self) -> None:
        """A log that drowns is not read."""
        items = tuple(FailedItem(f"i-{n}", f"{n}.pdf", "bad") for n in range(20))
        history = History().listing(job())
        for moment, failed in ((0, 15), (30, 23), (60, 40)):
            history.at(moment)
            history.count(items=replace(counts(failed=failed), failed=items[:failed]))
        assert [
            ItemsFailed(job(), items[:15]),
            ItemsFailed(job(), items[15:]),
            MoreItemsFailed(job(), 3),
        ] == history.events[1:]


def last_progress(history: History) -> float | None:
    return history.shown()["job-1"].last_progress_at


def test_other_items_that_fail_after_a_retry_are_reported_by_their_number() -> None:
    """A job that had its twenty lines still says that more failed."""
    first = tuple(FailedItem(f"i-{n}", f"{n}.pdf", "bad") for n in range(20))
    others = tuple(FailedItem(f"j-{n}", f"{n}.pdf", "bad") for n in range(15))
    history = History().listing(job())
    history.count(items=replace(counts(failed=20), failed=first))
    history.at(30).count(items=counts(processing=20))
    history.at(60).count(items=replace(counts(failed=15), failed=others))
    assert [ItemsFailed(job(), first), MoreItemsFailed(job(), 15)] == history.events[1:]
