"""Counters: every increase once, and none falls."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from exporter.core.marks import from_zero
from exporter.core.project import ProjectCore
from exporter.core.saved import SavedCounters, restore, saved_project
from exporter.domain import (
    FAILURE_REASONS,
    Histogram,
    ItemCounts,
    ItemStatus,
    Job,
    JobStatus,
    JobType,
)
from tests.support.history import EPOCH, HOUR, History, counts, job, table_of


def ended(job_id: str = "job-1", **facts: Any) -> Job:
    return job(job_id, **({"status": JobStatus.COMPLETED} | facts))


def settle(history: History, *jobs: Job) -> History:
    """Answer all requests for ended jobs: then they wait only for time and scrapes."""
    for over in jobs:
        failed = over.failed_items or 0
        history.status(over).count(over.id, counts(failed=failed, completed=10 - failed))
    return history


def failed(reasons: dict[str, int]) -> ItemCounts:
    """Count failed items by reason."""
    return replace(counts(failed=sum(reasons.values())), failure_reasons=reasons)


class TestStartingValue:
    """From which number a job counts."""

    def test_a_job_created_after_the_baseline_counts_from_zero(self) -> None:
        """Also what happened before it was first listed."""
        history = History().listing().at(90).listing(job(failed_items=2))
        assert history.finished_items("failed") == 2

    def test_a_job_created_after_the_baseline_counts_from_zero_however_late_it_is_listed(
        self,
    ) -> None:
        """Hours later as well, while it is active."""
        history = History().listing().at(5 * HOUR).listing(job(failed_items=2))
        assert history.finished_items("failed") == 2

    def test_an_active_job_from_before_the_baseline_counts_from_its_first_number(self) -> None:
        """Items that failed before the exporter started add nothing."""
        before = job(created_at=EPOCH - 60, failed_items=2)
        history = History().listing(before)
        assert history.finished_items("failed") == 0
        history.at(30).listing(replace(before, failed_items=5))
        assert history.finished_items("failed") == 3

    def test_statuses_that_only_counting_knows_start_from_the_first_count(self) -> None:
        """Each status has a first number of its own."""
        before = job(created_at=EPOCH - 60)
        history = History().listing(before).count(items=counts(completed=4))
        assert history.finished_items("completed") == 0
        history.at(30).count(items=counts(completed=7))
        assert history.finished_items("completed") == 3

    def test_a_job_that_ended_before_the_baseline_adds_nothing(self) -> None:
        """Neither its items nor its end."""
        over = ended(created_at=EPOCH - 200, completed_at=EPOCH - 100, failed_items=3)
        history = History().listing(over).count(items=counts(failed=3, completed=7))
        assert (
            history.finished_items("failed"),
            history.finished_items("completed"),
            history.finished_jobs("completed"),
        ) == (0, 0, 0)

    def test_a_job_from_before_the_baseline_that_ended_unseen_counts_whole(self) -> None:
        """A false increase is better than a missed failure."""
        over = ended(created_at=EPOCH - 200, completed_at=EPOCH + 10, failed_items=3)
        history = History().listing().at(30).listing(over)
        assert history.finished_items("failed") == 3
        assert history.finished_jobs("completed") == 1

    @pytest.mark.parametrize("completed_at", [EPOCH - 1, None], ids=["earlier", "unknown"])
    def test_a_job_created_after_the_baseline_counts_whole_whatever_is_said_of_its_end(
        self, completed_at: float | None
    ) -> None:
        """The dates of several servers may contradict each other, or be left out."""
        over = ended(created_at=EPOCH + 1, completed_at=completed_at, failed_items=3)
        history = History().at(2).listing(over, began_at=EPOCH)
        assert (3, 1) == (history.finished_items("failed"), history.finished_jobs("completed"))

    @pytest.mark.parametrize("moment", [30, 5 * HOUR], ids=["shown", "left"])
    @pytest.mark.parametrize("dated", [True, False])
    def test_history_that_was_retried_and_failed_unseen_counts_whole(
        self, moment: float, *, dated: bool
    ) -> None:
        """Its first end added nothing, the second one counts."""
        over = ended(created_at=EPOCH - 200, completed_at=EPOCH - 100)
        history = settle(History(min_scrapes=0).listing(over), over)
        assert len(history.at(moment).shown()) == (moment < HOUR)
        again = EPOCH + moment - 10 if dated else None
        failed = replace(over, status=JobStatus.FAILED, failed_items=3, completed_at=again)
        history.listing(failed)
        assert (3, 1) == (history.finished_items("failed"), history.finished_jobs("failed"))

    def test_history_of_whose_end_there_are_two_accounts_adds_nothing(self) -> None:
        """Both ends are of before the baseline."""
        over = ended(created_at=EPOCH - 200, completed_at=EPOCH - 100)
        history = History().listing(over).status(replace(over, status=JobStatus.FAILED))
        assert (0, 0) == (history.finished_jobs("completed"), history.finished_jobs("failed"))

    def test_without_dates_the_first_listing_is_the_baseline(self) -> None:
        """What it shows was there before, what comes later is new."""
        dateless = {"created_at": None}
        history = History().listing(
            job("old", failed_items=2, **dateless), ended("over", failed_items=1, **dateless)
        )
        assert history.finished_items("failed") == 0
        history.at(30).listing(
            job("old", failed_items=2, **dateless),
            job("new", failed_items=4, **dateless),
            ended("new-over", failed_items=8, **dateless),
        )
        assert history.finished_items("failed") == 12

    def test_moments_are_those_of_the_api(self) -> None:
        """A listing's own Date is the baseline, however long the listing took."""
        over = ended(created_at=EPOCH + 20, completed_at=EPOCH + 50)
        history = History().at(60).listing(over, began_at=EPOCH)
        assert history.finished_jobs("completed") == 1


class TestOnce:
    """Nothing is counted twice."""

    def test_a_repeated_row_adds_nothing(self) -> None:
        """The same listing again changes no counter."""
        history = History().listing().at(90).listing(job(failed_items=2))
        history.at(120).listing(job(failed_items=2))
        assert history.finished_items("failed") == 2

    def test_retried_items_make_no_counter_fall_and_count_again_only_above_the_mark(self) -> None:
        """The greatest number seen at once is what counts."""
        history = History().listing().at(90).listing(job(failed_items=5))
        for moment, failed in ((120, 1), (150, 4), (180, 6)):
            history.at(moment).listing(job(failed_items=failed))
        assert history.finished_items("failed") == 6

    def test_the_greater_of_counted_and_reported_failures_is_taken(self) -> None:
        """So a failure is not missed where one of the two lags."""
        history = History().listing().at(90).listing(job(failed_items=2, skipped_items=1))
        history.count(items=counts(failed=3, skipped=0, completed=5))
        assert tuple(
            history.finished_items(status) for status in ("failed", "skipped", "completed")
        ) == (3, 1, 5)

    def test_a_job_that_ends_counts_once(self) -> None:
        """However often its end is listed."""
        history = History().listing(job())
        for moment in (90, 120, 150):
            history.at(moment).listing(ended(completed_at=EPOCH + 80))
        assert history.finished_jobs("completed") == 1

    def test_a_job_that_was_forgotten_does_not_count_again(self) -> None:
        """It stays in LlamaCloud's list for days after its retention."""
        over = ended(started_at=EPOCH + 61, completed_at=EPOCH + 80, failed_items=2)
        history = History(retention_failed=HOUR, min_scrapes=0).listing(job()).at(90).listing(over)
        settle(history, over)
        for hours in range(1, 50):
            history.at(90 + hours * HOUR).listing(over)
            history.view()
        assert history.shown() == {}
        assert (history.finished_items("failed"), history.finished_jobs("completed")) == (2, 1)

    def test_a_forgotten_job_that_is_active_again_goes_on_from_its_mark(self) -> None:
        """Retried days later, only new failures add."""
        over = ended(completed_at=EPOCH + 80, failed_items=2)
        history = History(retention_failed=HOUR, min_scrapes=0).listing(job()).at(90).listing(over)
        settle(history, over)
        history.at(50 * HOUR).listing(over).view()
        history.at(51 * HOUR).listing(job(failed_items=3))
        assert history.finished_items("failed") == 3
        assert list(history.shown()) == ["job-1"]

    def test_an_end_that_is_listed_late_counts_if_it_is_within_the_overlap(self) -> None:
        """An hour before the watermark is looked at again."""
        history = History().listing().at(2 * HOUR).listing().at(2 * HOUR + 30)
        history.listing(ended("late", completed_at=EPOCH + 1.5 * HOUR))
        assert history.finished_jobs("completed") == 1

    def test_an_end_from_long_before_the_watermark_is_old_news(self) -> None:
        """A whole listing after it would have shown it."""
        history = History().listing().at(3 * HOUR).listing().at(3 * HOUR + 30)
        history.listing(ended("returned", completed_at=EPOCH + HOUR))
        assert history.finished_jobs("completed") == 0

    def test_a_truncated_listing_does_not_move_the_watermark(self) -> None:
        """A job that it did not show counts once it is shown."""
        history = History().listing().at(3 * HOUR).listing(truncated=True).at(3 * HOUR + 30)
        history.listing(ended("late", completed_at=EPOCH + HOUR, failed_items=1))
        assert history.finished_jobs("completed") == 1

    def test_marks_are_forgotten_once_a_job_is_listed_no_more(self) -> None:
        """Memory follows what LlamaCloud lists."""
        over = ended(completed_at=EPOCH + 80)
        history = settle(History(min_scrapes=0).listing(job()).at(90).listing(over), over)
        history.at(3 * HOUR).listing(over).view()
        assert list(history.table.history.marks) == ["job-1"]
        history.at(3.5 * HOUR).listing().at(5.4 * HOUR).listing()
        assert list(history.table.history.marks) == ["job-1"]
        history.at(5.6 * HOUR).listing()
        assert list(history.table.history.marks) == []

    def test_a_job_is_not_forgotten_when_only_a_listing_that_stopped_early_shows_it(self) -> None:
        """Missing long ago and missing now is not missing for an hour."""
        over = ended(created_at=None)
        history = History(min_scrapes=0).listing().at(30).listing(job(created_at=None))
        settle(history.at(60).listing(over), over).at(60 + HOUR).listing(over).view()
        assert 0 == len(history.table)
        history.at(90 + HOUR).listing().at(120 + HOUR).listing(over, reached_end=False)
        history.at(5 * HOUR).listing().at(5 * HOUR + 30).listing(over)
        assert history.finished_jobs("completed") == 1

    def test_an_end_by_a_clock_that_is_ahead_does_not_count_again(self) -> None:
        """Its date stays within the overlap for longer than an hour."""
        over = ended(completed_at=EPOCH + 60 + 20 * 60)
        history = History(min_scrapes=0, retention_finished=900.0).listing().at(30).listing(job())
        history.at(60).listing(over).status(over).count(items=counts(completed=10))
        history.at(1000).view()
        history.listing().at(1010 + HOUR).listing().at(1020 + HOUR).listing(over)
        assert history.finished_jobs("completed") == 1

    def test_marks_of_a_project_that_is_never_listed_whole_do_not_pile_up(self) -> None:
        """A job that was not listed for a week is forgotten there as well."""
        over = ended(completed_at=EPOCH + 80)
        history = History(min_scrapes=0).listing(job()).at(90).listing(over, truncated=True)
        settle(history, over).at(3 * HOUR).view()
        for hours in (4, 5, 6 * 24):
            history.at(hours * HOUR).listing(truncated=True)
            assert list(history.table.history.marks) == ["job-1"]
        history.at(8 * 24 * HOUR).listing(truncated=True)
        assert list(history.table.history.marks) == []

    def test_a_job_without_dates_that_was_over_at_the_start_never_counts(self) -> None:
        """However often it is listed."""
        over = ended(created_at=None, failed_items=7)
        history = History().listing(over).at(30).listing(over).at(60).listing(over)
        assert (0, 0) == (history.finished_jobs("completed"), history.finished_items("failed"))
        assert ({}, []) == (history.shown(), history.events)

    @pytest.mark.parametrize("dates", [{}, {"completed_at": EPOCH + 50}], ids=["undated", "dated"])
    def test_a_job_that_is_missing_from_a_listing_does_not_count_again(
        self, dates: dict[str, Any]
    ) -> None:
        """Nor is it shown again, when a list that moved skipped it once."""
        over = ended(**dates)
        history = History(min_scrapes=0).listing().at(30).listing(job()).at(60).listing(over)
        settle(history, over).at(60 + HOUR).listing(over).view()
        history.at(90 + HOUR).listing().at(120 + HOUR).listing(over)
        assert (1, {}) == (history.finished_jobs("completed"), history.shown())


class TestEnds:
    """Jobs that end, in whatever way."""

    def test_a_job_that_ends_again_in_another_way_counts_for_each(self) -> None:
        """It was seen to end as both."""
        history = History().listing(job()).at(90).listing(ended(status=JobStatus.FAILED))
        history.at(120).listing(job()).at(150).listing(ended())
        history.at(180).listing(job()).at(210).listing(ended())
        assert (history.finished_jobs("failed"), history.finished_jobs("completed")) == (1, 1)

    def test_a_job_that_began_and_ended_between_two_listings_counts(self) -> None:
        """Short jobs are not missed."""
        short = ended(started_at=EPOCH + 65, completed_at=EPOCH + 80, failed_items=1)
        history = History().listing().at(90).listing(short)
        assert (history.finished_jobs("completed"), history.finished_items("failed")) == (1, 1)

    def test_an_unknown_job_type_has_counters_of_its_own(self) -> None:
        """Nothing is left out because it is new."""
        history = History().listing(job(job_type=JobType.UNKNOWN))
        history.at(90).listing(ended(job_type=JobType.UNKNOWN))
        assert history.finished_jobs("completed", JobType.UNKNOWN) == 1


class TestSkipReasons:
    """Skipped items by reason."""

    def test_reasons_count_by_their_greatest_numbers(self) -> None:
        """Each reason by itself."""
        history = History().listing().at(90).listing(job())
        first = ItemCounts({ItemStatus.SKIPPED: 3}, {"already_processed": 2, "other": 1})
        then = ItemCounts({ItemStatus.SKIPPED: 3}, {"already_processed": 1, "other": 2})
        history.count(items=first).at(120).count(items=then)
        skipped = history.view().counters.items_skipped
        assert [
            skipped[JobType.PARSE, reason]
            for reason in ("already_processed", "other", "size_limit_exceeded")
        ] == [2, 2, 0]

    def test_reasons_from_before_the_baseline_add_nothing(self) -> None:
        """The first count is where they start."""
        history = History().listing(job(created_at=EPOCH - 60))
        for moment, number in ((0, 5), (30, 7)):
            items = ItemCounts({ItemStatus.SKIPPED: number}, {"already_processed": number})
            history.at(moment).count(items=items)
        assert history.view().counters.items_skipped[JobType.PARSE, "already_processed"] == 2

    def test_a_count_without_the_skipped_items_is_not_where_reasons_start(self) -> None:
        """They may be too many to count until the job has ended."""
        history = History().listing(job(created_at=EPOCH - 60))
        history.count(items=ItemCounts({ItemStatus.FAILED: 0}))
        history.at(30).count(items=ItemCounts({ItemStatus.SKIPPED: 5}, {"already_processed": 5}))
        assert history.view().counters.items_skipped[JobType.PARSE, "already_processed"] == 0


class TestFailureReasons:
    """Failed items by the reason in their messages."""

    def test_a_reason_counts_by_its_greatest_number(self) -> None:
        """An item that is retried and fails for another reason counts once for each."""
        history = History().listing().at(90).listing(job())
        for moment, reasons in (
            (90, {"timeout": 2, "none": 1}),
            (120, {"timeout": 1, "other": 2}),
            (150, {"timeout": 2, "other": 1}),
            (180, {"timeout": 4}),
        ):
            history.at(moment).count(items=failed(reasons))
        expected = dict.fromkeys(FAILURE_REASONS, 0) | {"timeout": 4, "none": 1, "other": 2}
        assert history.view().counters.items_failed == expected

    def test_reasons_from_before_the_baseline_add_nothing(self) -> None:
        """The first count is where they start, one that is new later starts from 0."""
        history = History().listing(job(created_at=EPOCH - 60)).count(items=failed({"timeout": 5}))
        history.at(30).count(items=failed({"timeout": 7, "expired": 1}))
        counter = history.view().counters.items_failed
        assert (counter["timeout"], counter["expired"]) == (2, 1)

    def test_a_count_without_the_failed_items_is_not_where_reasons_start(self) -> None:
        """Nor does it show how many failed items the job has."""
        history = History().listing(job(created_at=EPOCH - 60))
        history.count(items=ItemCounts({ItemStatus.SKIPPED: 0}))
        assert history.shown()["job-1"].item_failures is None
        history.at(30).count(items=failed({"timeout": 5}))
        assert history.shown()["job-1"].item_failures == {"timeout": 5}
        assert history.view().counters.items_failed["timeout"] == 0

    def test_a_job_shows_the_reasons_of_its_newest_count(self) -> None:
        """Whatever the counter keeps of earlier ones; none before it was counted."""
        history = History().listing(job())
        assert history.shown()["job-1"].item_failures is None
        history.count(items=failed({"timeout": 2})).at(30).count(items=failed({"other": 1}))
        assert history.shown()["job-1"].item_failures == {"other": 1}
        history.at(60).count(items=None)
        assert history.shown()["job-1"].item_failures is None


class TestDurations:
    """Histograms: once a job, and the items of a job once."""

    def test_items_that_were_counted_in_part_are_observed_when_all_are(self) -> None:
        """A job that was thought to be gone may come back, and be counted to its end."""
        large = job(total_items=2, created_at=EPOCH)
        history = History().listing(large).count(items=ItemCounts({ItemStatus.FAILED: 0}))
        for moment in (30, 60):
            history.at(moment).listing().not_found()
        history.at(90).listing(replace(large, status=JobStatus.COMPLETED))
        durations = counts().durations.observe(2.0).observe(3.0)
        history.count(items=replace(counts(completed=2), durations=durations))
        assert sum(history.view().counters.item_duration[JobType.PARSE].counts) == 2

    def test_histograms_start_at_zero_with_the_first_job_of_a_type(self) -> None:
        """Before there is a duration; those that a type never needs cost no series."""
        none, extract = (0, 0.0), JobType.EXTRACT
        started = History().listing(job(job_type=extract)).view().counters
        assert {extract: none} == observed(started.queue_duration)
        assert {extract: none} == observed(started.item_duration)
        assert {extract: none} == observed(started.turnaround_duration)
        assert {(extract, JobStatus.COMPLETED): none} == observed(started.run_duration)

    def test_histograms_start_with_jobs_that_ended_before_the_baseline(self) -> None:
        """The next job of their type is a rise, also where it is first seen at its end."""
        long_ago = ended(created_at=EPOCH - 9e6, completed_at=EPOCH - 8e6)
        started = History().listing(long_ago).view().counters
        assert {JobType.PARSE: (0, 0.0)} == observed(started.turnaround_duration)

    def test_a_batch_of_v2_starts_the_histogram_of_its_turnaround_alone(self) -> None:
        """v2 has no start times of batches and items."""
        counters = History().table.counters
        counters.add_beyond(from_zero(), job(api_version="v2", told_by_items=True))
        started = counters.values.published()
        assert {JobType.PARSE: (0, 0.0)} == observed(started.turnaround_duration)
        assert ({}, {}) == (started.queue_duration, started.run_duration)
        assert {} == started.item_duration

    @pytest.mark.parametrize("family", [f.name for f in fields(SavedCounters)][4:])
    def test_saved_histograms_of_other_buckets_do_not_go_on(self, family: str) -> None:
        """One family has one set of buckets; nothing was seen of the type before it is restored."""
        history = History().listing().at(65).listing(job()).at(95).listing(ended())
        saved = saved_project(history.table, 95.0, 95.0)
        known = getattr(saved.counters, family)
        labels = JobType.PARSE
        other = Histogram((1.5,), (1, 0), 1.0)
        changed = {JobStatus.FAILED: other} if isinstance(known[labels], dict) else other
        counters: dict[str, Any] = {family: {labels: changed}}
        saved = replace(saved, counters=replace(saved.counters, **counters))
        core = ProjectCore(history.rules, 0.0)
        restore(table_of(core), saved, 0.0, 95.0)
        assert {} == getattr(core.view(0.0).counters, family)

    def test_runs_that_failed_start_a_histogram_of_their_own(self) -> None:
        """With the first of them."""
        over = ended(status=JobStatus.FAILED, started_at=EPOCH + 70, completed_at=EPOCH + 90)
        history = History().listing().at(65).listing(job()).at(95).listing(over)
        assert {
            (JobType.PARSE, JobStatus.COMPLETED): (0, 0.0),
            (JobType.PARSE, JobStatus.FAILED): (1, 20.0),
        } == observed(history.view().counters.run_duration)

    def test_queue_and_run_durations_are_observed_once_a_job(self) -> None:
        """From its own times."""
        over = ended(started_at=EPOCH + 70, completed_at=EPOCH + 190)
        history = History().listing().at(60).listing(job(status=JobStatus.PENDING))
        for moment in (90, 200, 230):
            history.at(moment).listing(job(started_at=EPOCH + 70) if moment == 90 else over)
        counters = history.view().counters
        assert totals(counters.queue_duration[JobType.PARSE]) == (1, 10.0)
        assert totals(counters.run_duration[JobType.PARSE, JobStatus.COMPLETED]) == (1, 120.0)
        assert totals(counters.turnaround_duration[JobType.PARSE]) == (1, 130.0)

    def test_a_wait_that_was_over_before_the_baseline_is_not_observed(self) -> None:
        """Its run, which ended after it, is."""
        before = job(created_at=EPOCH - 60, started_at=EPOCH - 50)
        history = History().listing(before).at(90)
        history.listing(replace(before, status=JobStatus.COMPLETED, completed_at=EPOCH + 50))
        counters = history.view().counters
        assert totals(counters.queue_duration[JobType.PARSE]) == (0, 0.0)
        assert totals(counters.run_duration[JobType.PARSE, JobStatus.COMPLETED]) == (1, 100.0)
        assert totals(counters.turnaround_duration[JobType.PARSE]) == (1, 110.0)

    def test_items_are_observed_once_their_job_has_ended_and_all_are_counted(self) -> None:
        """Not while they may still be retried, and not again."""
        durations = Histogram.empty((1.0,)).observe(0.5)
        durations = replace(
            counts(completed=1).durations,
            counts=(1, *counts(completed=1).durations.counts[1:]),
            sum=durations.sum,
        )
        unsettled = replace(counts(processing=1, completed=1), durations=durations)
        settled = replace(counts(completed=2), durations=durations)
        active, over = job(total_items=2), ended(total_items=2)
        history = History().listing().at(90).listing(active).count(items=settled)
        assert (0, 0.0) == totals(history.view().counters.item_duration[JobType.PARSE])
        history.at(120).listing(over).count(items=unsettled)
        assert (0, 0.0) == totals(history.view().counters.item_duration[JobType.PARSE])
        for moment in (150, 180):
            history.at(moment).count(items=settled)
        assert (1, 0.5) == totals(history.view().counters.item_duration[JobType.PARSE])

    def test_items_of_a_job_that_is_active_again_are_observed_at_its_next_end(self) -> None:
        """Also where it had ended before the baseline, and was counted then."""
        once = replace(counts(completed=10), durations=counts().durations.observe(2.0))
        history = History().listing(ended(created_at=EPOCH - 90, completed_at=EPOCH - 60))
        history.count(items=once).at(5).status(job(created_at=EPOCH - 90)).count(items=once)
        assert (0, 0.0) == totals(history.view().counters.item_duration[JobType.PARSE])
        again = ended(created_at=EPOCH - 90, completed_at=EPOCH + 20)
        history.at(30).listing(again).count(items=once)
        assert (1, 2.0) == totals(history.view().counters.item_duration[JobType.PARSE])

    def test_the_items_of_a_job_that_is_gone_are_observed_as_they_were_last_counted(self) -> None:
        """There will be no other count."""
        once = replace(counts(completed=1), durations=counts().durations.observe(2.0))
        history = History().listing().at(90).listing(job()).count(items=once)
        for moment in (120, 150):
            history.at(moment).listing().not_found()
        assert 1 == history.finished_jobs("gone")
        assert (1, 2.0) == totals(history.view().counters.item_duration[JobType.PARSE])

    def test_the_fifth_count_of_an_ended_job_is_final(self) -> None:
        """Items that never settle do not keep a job's durations back for ever."""
        once = replace(counts(processing=1), durations=counts().durations.observe(2.0))
        history = History().listing().at(90).listing(job()).at(120).listing(ended())
        for times in range(5):
            assert (0, 0.0) == totals(history.view().counters.item_duration[JobType.PARSE])
            history.at(120 + times).count(items=once)
        assert (1, 2.0) == totals(history.view().counters.item_duration[JobType.PARSE])

    def test_the_last_count_is_final_when_its_job_leaves(self) -> None:
        """However rarely it was counted; until then it may be counted to its end."""
        once = replace(counts(processing=1), durations=counts().durations.observe(2.0))
        history = History().listing().at(90).listing(job()).at(120).listing(ended())
        history.at(300).count(items=once).at(120 + 24 * HOUR - 1).view()
        assert (0, 0.0) == totals(history.view().counters.item_duration[JobType.PARSE])
        assert {} == history.at(120 + 24 * HOUR).shown()
        assert (1, 2.0) == totals(history.view().counters.item_duration[JobType.PARSE])


class TestWithoutCounting:
    """``items.enabled`` false."""

    def test_what_only_counting_knows_is_absent(self) -> None:
        """Absent, not zero: zero would be a lie."""
        history = History(items_enabled=False).listing().at(90)
        history.listing(job(failed_items=2, skipped_items=1))
        view = history.view()
        assert {ItemStatus.FAILED, ItemStatus.SKIPPED} == {
            status for _, status in view.counters.items_finished
        }
        assert (history.finished_items("failed"), history.finished_items("skipped")) == (2, 1)
        assert (view.counters.items_skipped, view.counters.item_duration) == ({}, {})
        assert view.counters.items_failed == {}
        assert view.gauges is not None
        assert (view.gauges.active_items, view.uncounted_jobs) == (None, None)


def observed(family: Mapping[Any, Histogram]) -> dict[Any, tuple[int, float]]:
    """Return count and sum by labels."""
    return {labels: totals(histogram) for labels, histogram in family.items()}


def totals(histogram: Histogram) -> tuple[int, float]:
    return sum(histogram.counts), histogram.sum
