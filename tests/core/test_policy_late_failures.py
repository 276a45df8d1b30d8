"""Failures that show late: after the end, after the job has left, or in a late listing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.core.events import ItemsFailed, JobReturned
from exporter.domain import FailedItem, ItemStatus, Job, JobStatus, JobType
from tests.support.history import EPOCH, HOUR, History, counts, job
from tests.support.virtual_time import Polling

FAILED = (JobType.PARSE, ItemStatus.FAILED)


def ended(job_id: str = "job-1", **facts: object) -> Job:
    """Describe a job that completed a minute after it was created."""
    return job(job_id, **({"status": JobStatus.COMPLETED, "completed_at": EPOCH + 120} | facts))


class TestSettlingLate:
    """The items of a job may settle later than the job."""

    def test_a_job_first_seen_ended_is_counted_until_its_items_settle(self) -> None:
        """As one that was seen active."""
        project = Polling()
        project.run_until(121)
        project.cloud.add(ended(failed_items=None))
        project.cloud.items["job-1"] = counts(processing=3, completed=7)
        project.at(
            154, lambda: project.cloud.items.update({"job-1": counts(failed=3, completed=7)})
        )
        project.run_until(300)
        assert 3 == project.view().counters.items_finished[FAILED]
        assert 3 == (project.job().items or {})[ItemStatus.FAILED]

    def test_counts_come_after_one_interval_then_two_four_and_eight(self) -> None:
        """Five times in all, whether or not the job was seen active."""
        for first in (job(), ended()):
            project = Polling(first)
            project.cloud.items["job-1"] = counts(processing=10)
            project.run_until(10)
            project.cloud.add(ended())
            project.run_until(HOUR)
            asked = [round(each.moment / 30) for each in project.requests_of("items")]
            if first.active:
                # The first count was of the active job.
                asked = asked[1:]
            assert [moment - asked[0] for moment in asked] == [0, 1, 3, 7, 15]


class TestReturning:
    """A job that has left is shown again when it reports more failed items than were known."""

    def test_failures_after_a_job_left_show_again(self) -> None:
        """With its series, its gauges and its log lines: all alerts read gauges."""
        project = Polling(job(), min_scrapes=0)
        project.run_until(119)
        project.cloud.add(ended())
        project.cloud.items["job-1"] = counts(completed=10)
        project.run_until(2 * HOUR)
        assert () == project.view().jobs
        project.cloud.add(ended(failed_items=3))
        failed = (FailedItem("item-1", "a.pdf", "broken"),)
        project.cloud.items["job-1"] = replace(counts(completed=7, failed=3), failed=failed)
        project.run_until(2 * HOUR + 960)
        assert 3 == project.job().failed_items
        assert 3 == (project.job().items or {})[ItemStatus.FAILED]
        assert 3 == project.view().counters.items_finished[FAILED]
        gauges = project.view().gauges
        assert gauges is not None
        assert 1 == gauges.failing_jobs[JobType.PARSE]
        assert ["job-1"] == [event.job.id for event in project.events_of(JobReturned)]
        assert [failed] == [event.items for event in project.events_of(ItemsFailed)]
        project.run_until(30 * HOUR)
        assert () == project.view().jobs
        assert 1 == len(project.events_of(JobReturned))

    def test_history_with_more_failures_than_at_the_start_shows_again(self) -> None:
        """And adds those that came after the baseline."""
        past = ended(created_at=EPOCH - 300, completed_at=EPOCH - 60, failed_items=2)
        history = History(retention_failed=HOUR, min_scrapes=0).listing(past).status(past)
        history.count(items=counts(failed=2, completed=8)).at(HOUR)
        assert {} == history.shown()
        history.listing(past)
        assert {} == history.shown()
        history.listing(replace(past, failed_items=5))
        assert 5 == history.shown()["job-1"].failed_items
        assert 3 == history.finished_items("failed")
        assert 0 == history.finished_jobs("completed")

    def test_history_that_was_counted_is_reported_apart_from_what_fails_later(self) -> None:
        """Where it reported no failed items at first."""
        past = ended(created_at=EPOCH - 300, completed_at=EPOCH - 60, failed_items=None)
        history = History(retention_finished=HOUR, min_scrapes=0).listing(past).status(past)
        history.count(items=counts(failed=2, completed=8)).at(30 * HOUR)
        assert {} == history.shown()
        assert {} == history.listing(replace(past, failed_items=2)).shown()
        history.listing(replace(past, failed_items=3))
        assert 3 == history.shown()["job-1"].failed_items
        assert 1 == history.finished_items("failed")

    def test_history_that_is_shown_adds_failures_that_come_late(self) -> None:
        """They happened after the baseline."""
        past = ended(created_at=EPOCH - 300, completed_at=EPOCH - 60)
        history = History().listing(past).at(30).listing(replace(past, failed_items=4))
        assert 4 == history.finished_items("failed")
        assert 0 == history.finished_jobs("completed")


def test_a_failed_job_whose_row_was_left_out_counts_when_it_is_back() -> None:
    """Rows without a usable id do not move the watermark, for a day at most."""
    for hours, expected in ((3, 9), (30, 0)):
        history = History().listing()
        for hour in range(1, hours):
            history.at(hour * HOUR).listing(rows_left_out=1)
        back = ended(created_at=EPOCH - HOUR, status=JobStatus.FAILED, failed_items=9)
        history.at(hours * HOUR).listing(replace(back, completed_at=EPOCH + 60))
        assert expected == history.finished_items("failed")


@pytest.mark.parametrize("again", ["same", "other"])
def test_history_that_is_listed_without_dates_for_once_is_no_news(again: str) -> None:
    """Unless it ended as something else: then it was retried."""
    past = [
        ended(f"old-{n}", created_at=EPOCH - 300 * HOUR, completed_at=EPOCH - 200 * HOUR)
        for n in range(10)
    ]
    history = History().listing(*past)
    status = JobStatus.COMPLETED if again == "same" else JobStatus.FAILED
    undated = [replace(each, completed_at=None, status=status) for each in past]
    history.at(HOUR).listing(*undated)
    assert (0 if again == "same" else 10) == len(history.shown())
    assert (0 if again == "same" else 10) == history.finished_jobs(status)
    assert {} == history.at(100 * HOUR).listing(*past).shown()


def test_a_job_that_had_not_begun_at_the_start_counts_from_zero() -> None:
    """However late its first count comes."""
    waiting = job(created_at=EPOCH - 60, status=JobStatus.PENDING)
    history = History().listing(waiting).at(60).listing(ended(created_at=EPOCH - 60))
    history.status(ended(created_at=EPOCH - 60)).count(items=counts(completed=6, failed=4))
    assert (6, 4) == (history.finished_items("completed"), history.finished_items("failed"))


def test_a_job_that_was_gone_for_hours_counts_once() -> None:
    """It may be back after days."""
    history = (
        History(retention_failed=HOUR, min_scrapes=0)
        .listing(job())
        .count(items=counts(failed=3, processing=7))
    )
    for minute in (1, 2):
        history.at(60 * minute).listing().not_found()
    for hour in range(2, 50):
        history.at(hour * HOUR).listing().view()
    history.at(50 * HOUR).listing(job(failed_items=3)).count(items=counts(failed=3, completed=7))
    assert 3 == history.finished_items("failed")


@pytest.mark.parametrize("full_listing_every", [2 * HOUR, 48 * HOUR])
def test_what_a_late_full_listing_finds_counts(full_listing_every: float) -> None:
    """An old job that is not on the first page is retried, and fails."""
    hidden = job("old", status=JobStatus.COMPLETED, created_at=EPOCH - 9 * 24 * HOUR)
    project = Polling(
        interval=120.0,
        full_listing_every=full_listing_every,
        stale_after=1000 * HOUR,
        check_every=HOUR,
    )
    project.run_until(60)
    failed_at = 600.0
    failed = replace(
        hidden, status=JobStatus.FAILED, completed_at=EPOCH + failed_at, failed_items=9
    )
    project.cloud.add(replace(hidden, completed_at=EPOCH - 8 * 24 * HOUR))
    project.cloud.late_pages.add("old")
    project.at(failed_at, lambda: project.cloud.add(failed))
    project.run_until(full_listing_every - 60)
    assert 0 == project.view().counters.items_finished[FAILED]
    project.run_until(full_listing_every + 120)
    assert 9 == project.view().counters.items_finished[FAILED]
    project.run_until(3 * full_listing_every)
    assert 9 == project.view().counters.items_finished[FAILED]
