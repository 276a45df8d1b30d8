"""A project that is listed by several generations of the API, in virtual time."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.core import job_table
from exporter.core.actions import FetchStatus, ListJobs
from exporter.core.events import (
    ApiOfferedAgain,
    ApiSetAside,
    JobAppeared,
    JobEnded,
    JobGivenUp,
    ListingFailed,
    ListingSucceeded,
    PollFinished,
    RefreshFailed,
    RefreshRecovered,
)
from exporter.core.observations import TimePassed
from exporter.core.retention import rank
from exporter.core.tracked_job import TrackedJob
from exporter.domain import ErrorReason, ItemStatus, JobStatus, JobType, ListingPlan
from exporter.simulator.v2.batches import SimulatedBatch, files_of
from tests.core.fake_cloud import failure
from tests.core.simulated import SimulatedPolling
from tests.support.history import EPOCH, HOUR, counts, job
from tests.support.virtual_time import Polling

INTERVAL = 30.0
DAY = 24 * HOUR
BOTH = ("v1beta", "v2")
# So old that only a full listing of v1beta shows it.
OLD = job("old", status=JobStatus.COMPLETED, created_at=EPOCH - DAY, completed_at=EPOCH - DAY)
NOT_OFFERED = failure("not_found", is_refusal=True)
NOT_PAID = failure("payment_required", is_refusal=True)


def project_of(**rules: Any) -> Polling:
    """Poll a project by both generations, each of which has one job."""
    project = Polling(job("beta"), api_versions=BOTH, **rules)
    project.clouds["v2"].add(job("batch"))
    return project


def plans(project: Polling, api_version: str, since: float = 0.0) -> dict[float, ListingPlan]:
    """Return the listing plans of an API generation, by the time of the request."""
    return {
        round(request.moment, 3): request.action.plans[api_version]
        for request in project.requests_of("list", since=since)
        if isinstance(request.action, ListJobs) and api_version in request.action.plans
    }


def asked_at(project: Polling, api_version: str, since: float = 0.0) -> list[float]:
    """Return the times at which an API generation was listed."""
    return list(plans(project, api_version, since))


def shown(project: Polling) -> set[str]:
    """Return the jobs that have series of their own."""
    return {view.job_id for view in project.view().jobs}


def asked_for(project: Polling, job_id: str, since: float) -> int:
    """Count the requests about one job."""
    return sum(r.job_id == job_id for r in project.requests_of("status", "items", since=since))


def failed_items(project: Polling) -> int:
    """Return the counter of failed items."""
    return project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]


def results(project: Polling) -> set[str]:
    """Return how polls ended."""
    return {poll.result for poll in project.events_of(PollFinished)}


class TestSettingAside:
    """Which failures of a generation are those of the project."""

    def test_both_generations_are_requested_at_every_interval(self) -> None:
        """While both of them answer, their jobs stand beside each other."""
        project = project_of()
        project.run_until(10 * INTERVAL - 1)
        every_interval = [number * INTERVAL for number in range(10)]
        assert every_interval == asked_at(project, "v1beta") == asked_at(project, "v2")
        assert {"beta": "v1beta", "batch": "v2"} == {
            view.job_id: view.api_version for view in project.view().jobs
        }
        assert 2 == sum(project.view().gauges.active_jobs.values())  # type: ignore[union-attr]
        assert ([], {"success"}) == (project.events_of(ApiSetAside), results(project))

    def test_one_that_was_never_offered_is_set_aside_and_logged_once(self) -> None:
        """The project is read by the other one."""
        project = project_of()
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(6 * HOUR)
        assert [ApiSetAside("v2", NOT_OFFERED, had_answered=False)] == project.events_of(
            ApiSetAside
        )
        assert {"success"} == results(project)
        assert {"beta"} == shown(project)

    def test_one_that_is_refused_is_requested_again_with_every_full_listing(self) -> None:
        """Whether it answered before or not."""
        project = project_of()
        project.cloud.add(OLD)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(HOUR)
        assert [0.0, 900.0, 1800.0, 2700.0, 3600.0] == asked_at(project, "v2")
        full = [at for at, plan in plans(project, "v1beta").items() if plan.is_full]
        assert full == asked_at(project, "v2")

    def test_one_that_answered_before_is_set_aside_likewise(self) -> None:
        """It is no longer offered: that is no failure of the project."""
        project = project_of()
        project.at(299, lambda: project.clouds["v1beta"].failing.update(list=NOT_OFFERED))
        project.run_until(HOUR)
        assert [ApiSetAside("v1beta", NOT_OFFERED, had_answered=True)] == project.events_of(
            ApiSetAside
        )
        assert [300.0, 1200.0, 2100.0, 3000.0] == asked_at(project, "v1beta", since=299)
        assert {"success"} == results(project)

    def test_one_that_answers_again_is_in_use_again(self) -> None:
        """Its next listing is a full one. Each transition is reported."""
        project = project_of()
        for hour in range(2):
            refused, answers = hour * HOUR + 299, hour * HOUR + 1799
            project.at(refused, lambda: project.clouds["v2"].failing.update(list=NOT_OFFERED))
            project.at(answers, project.clouds["v2"].failing.clear)
        project.run_until(2 * HOUR)
        assert [ApiOfferedAgain("v2")] * 2 == project.events_of(ApiOfferedAgain)
        assert 2 == len(project.events_of(ApiSetAside))
        again = plans(project, "v2", since=1799)
        assert [True, False] == [plan.is_full for plan in again.values()][:2]
        assert [2100.0, 2130.0] == list(again)[:2]

    def test_one_that_never_answered_is_set_aside_whatever_its_failure(self) -> None:
        """It is requested again after one interval, then two, four, up to every full listing."""
        project = project_of()
        project.clouds["v2"].failing["list"] = failure("timeout")
        project.run_until(HOUR)
        moments = [0.0, 30.0, 90.0, 210.0, 450.0, 930.0, 1830.0, 2730.0]
        assert moments == asked_at(project, "v2")
        assert [ApiSetAside("v2", failure("timeout"), had_answered=False)] == project.events_of(
            ApiSetAside
        )
        assert {"success"} == results(project)

    @pytest.mark.parametrize("reason", ["server", "rate_limited", "timeout", "unauthorized"])
    def test_one_that_answered_and_fails_otherwise_fails_the_listing(self, reason: str) -> None:
        """There is no half listing: nothing of what the other one lists is shown."""
        project = project_of()
        project.run_until(29)
        project.clouds["v2"].failing["list"] = failure(reason)
        project.cloud.add(job("new"))
        project.run_until(59)
        assert {"beta", "batch"} == shown(project)
        (failed,) = project.events_of(ListingFailed)
        assert reason == str(failed.failure.reason)
        assert [] == project.events_of(ApiSetAside)
        project.clouds["v2"].failing.clear()
        project.run_until(119)
        assert {"beta", "batch", "new"} == shown(project)

    def test_one_that_is_set_aside_never_fails_the_listing(self) -> None:
        """With any failure, and although it answered once."""
        project = project_of()
        project.run_until(29)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(899)
        project.clouds["v2"].failing["list"] = failure("server")
        project.run_until(HOUR)
        assert [30.0, 930.0] == asked_at(project, "v2", since=29)[:2]
        assert {"success"} == results(project)
        assert 1 == len(project.events_of(ApiSetAside))

    def test_where_all_are_refused_the_listing_failed(self) -> None:
        """None is set aside, and the next listing requests all of them."""
        project = project_of()
        for cloud in project.clouds.values():
            cloud.failing["list"] = NOT_OFFERED
        project.run_until(299)
        every_interval = [number * INTERVAL for number in range(10)]
        assert every_interval == asked_at(project, "v1beta") == asked_at(project, "v2")
        assert [] == project.events_of(ApiSetAside)
        assert {"error"} == results(project)
        project.clouds["v2"].failing.clear()
        project.run_until(359)
        assert [ApiSetAside("v1beta", NOT_OFFERED, had_answered=False)] == project.events_of(
            ApiSetAside
        )
        assert {"batch"} == shown(project)

    def test_one_that_is_set_aside_is_requested_once_the_other_is_refused(self) -> None:
        """So the project goes on by it from the next listing on, which is a full one."""
        project = project_of()
        project.run_until(29)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(299)
        project.clouds["v2"].failing.clear()
        project.cloud.failing["list"] = NOT_OFFERED
        project.run_until(389)
        assert [330.0, 360.0] == asked_at(project, "v2", since=299)
        assert [True, False] == [plan.is_full for plan in plans(project, "v2", since=299).values()]
        assert ["v2", "v1beta"] == [told.api_version for told in project.events_of(ApiSetAside)]
        assert {"success", "error"} == results(project)
        assert {"beta", "batch"} == shown(project)

    def test_one_that_is_set_aside_is_not_requested_more_often_while_the_other_fails(self) -> None:
        """It could not replace it, and would only use up the budget."""
        project = project_of()
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(29)
        project.cloud.failing["list"] = failure("rate_limited")
        project.run_until(HOUR - 1)
        assert [900.0] == asked_at(project, "v2", since=29)[:1]

    def test_what_fails_is_reported_of_the_generation_in_use(self) -> None:
        """The other one, which is not offered, says nothing of why."""
        project = project_of()
        project.cloud.failing["list"] = NOT_OFFERED
        project.run_until(299)
        project.clouds["v2"].failing["list"] = NOT_PAID
        project.run_until(HOUR)
        failures = [told.failure for told in project.events_of(ListingFailed)]
        assert {ErrorReason.PAYMENT_REQUIRED} == {failed.reason for failed in failures}
        assert 1 == sum(told.is_new for told in project.events_of(ListingFailed))

    def test_a_refused_key_is_reported_before_all_else(self) -> None:
        """It is what a person has to mend."""
        project = project_of()
        project.cloud.failing["list"] = failure("server")
        project.clouds["v2"].failing["list"] = failure("unauthorized")
        project.run_until(29)
        assert ["unauthorized"] == [t.failure.reason for t in project.events_of(ListingFailed)]

    def test_the_view_shows_which_generations_are_in_use(self) -> None:
        """Each with the end of the last listing that it answered, if there was one."""
        project = project_of()
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(299)
        beta, v2 = project.view().apis
        assert ("v1beta", True, EPOCH + 270.1) == (
            *(beta.api_version, beta.is_offered),
            beta.last_answered_at,
        )
        assert ("v2", False, None) == (v2.api_version, v2.is_offered, v2.last_answered_at)
        project.clouds["v2"].failing.clear()
        project.run_until(929)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(959)
        _, v2 = project.view().apis
        assert ("v2", False, EPOCH + 900.1) == (v2.api_version, v2.is_offered, v2.last_answered_at)


class TestJobsOfOneThatIsSetAside:
    """They wait for it to answer again."""

    def test_they_are_not_requested_and_never_gone(self) -> None:
        """Also those that LlamaCloud did not know once already."""
        project = project_of()
        project.run_until(29)
        del project.clouds["v2"].jobs["batch"]
        project.run_until(59)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(6 * HOUR - 1)
        assert 0 == asked_for(project, "batch", since=60)
        assert asked_for(project, "beta", since=60)
        assert 0 == project.view().counters.jobs_finished[JobType.PARSE, JobStatus.GONE]
        assert 2 == project.view().tracked_jobs
        assert {"success"} == results(project)

    def test_a_late_404_of_one_that_has_ended_is_not_its_end(self) -> None:
        """Its status was requested before. Its items are counted once it is offered again."""
        project = project_of(full_listing_every=120)
        project.run_until(29)
        project.cloud.change("beta", status=JobStatus.COMPLETED, completed_at=EPOCH + 29)
        project.cloud.items["beta"] = counts(completed=10)
        project.cloud.seconds["status beta"] = 45
        listed = dict(project.cloud.jobs)

        def vanish() -> None:
            project.cloud.jobs.clear()
            project.cloud.failing["list"] = NOT_OFFERED

        # Between the listing, which shows its end, and the answer about its status.
        project.at(30.05, vanish)
        project.run_until(119)
        project.cloud.jobs |= listed
        project.cloud.failing.clear()
        project.run_until(400)
        finished = project.view().counters.items_finished
        assert 10 == finished[JobType.PARSE, ItemStatus.COMPLETED]
        assert [] == project.events_of(JobGivenUp)

    def test_they_keep_their_values_and_are_withdrawn_once_these_are_too_old(self) -> None:
        """The other one's jobs and gauges are not; what has ended stays."""
        project = project_of()
        ended = job("ended", status=JobStatus.FAILED, created_at=EPOCH, completed_at=EPOCH + 1)
        project.clouds["v2"].add(ended)
        project.run_until(29)
        values = project.job("batch")
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(299)
        assert values == project.job("batch")
        project.run_until(310)
        assert {"beta", "ended"} == shown(project)
        gauges = project.view().gauges
        assert gauges is not None
        assert 1 == sum(gauges.active_jobs.values())
        assert 10 == sum((gauges.active_items or {}).values())
        assert 3 == project.view().tracked_jobs

    def test_they_return_as_they_were(self) -> None:
        """Nothing of that is reported, and they are refreshed again."""
        project = project_of(full_listing_every=2 * HOUR)
        project.clouds["v2"].items["batch"] = counts(completed=4, failed=3, processing=3)
        project.run_until(29)
        values = project.job("batch")
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(2 * HOUR + 40)
        project.clouds["v2"].failing.clear()
        project.clouds["v2"].seconds |= {"status batch": HOUR}
        project.run_until(4 * HOUR + 45)
        assert values == project.job("batch")
        assert 2 == len(project.events_of(JobAppeared))
        assert 1 == asked_for(project, "batch", since=2 * HOUR)

    def test_they_leave_with_the_retention_of_failed_jobs(self) -> None:
        """Active jobs of the other generation stay."""
        project = project_of(retention_failed=2 * HOUR)
        project.run_until(29)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(2 * HOUR)
        assert 2 == project.view().tracked_jobs
        project.run_until(2 * HOUR + 10)
        assert 1 == project.view().tracked_jobs
        assert {"beta"} == shown(project)

    def test_once_they_have_left_nothing_is_ranked_for_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A generation may stay set aside for ever."""
        project = project_of(retention_failed=2 * HOUR, max_jobs=1)
        project.run_until(29)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.cloud.add(*(job(f"more-{number}") for number in range(9)))
        project.run_until(2 * HOUR + 10)
        rankings: list[TrackedJob] = []

        def counted_rank(tracked: TrackedJob) -> tuple[int, float, str]:
            rankings.append(tracked)
            return rank(tracked)

        monkeypatch.setattr(job_table, "rank", counted_rank)
        project.core.next_action(project.now, may_list=False)
        for second in range(100):
            project.core.receive(TimePassed(), project.now + second / 10)
            project.core.view(project.now + second / 10)
        assert len(rankings) <= 10

    @pytest.mark.parametrize("hours", [1, 3])
    def test_what_they_counted_before_never_counts_again(self, hours: int) -> None:
        """Their marks are kept, also beyond their retention."""
        project = project_of(retention_failed=2 * HOUR)
        project.clouds["v2"].items["batch"] = counts(failed=3, processing=7)
        project.run_until(29)
        assert 3 == failed_items(project)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(hours * HOUR)
        project.clouds["v2"].failing.clear()
        project.clouds["v2"].items["batch"] = counts(failed=5, processing=5)
        project.run_until(hours * HOUR + 1000)
        assert 5 == failed_items(project)
        assert {"beta", "batch"} == shown(project)

    @pytest.mark.parametrize("hours", [1, 3])
    def test_what_ended_meanwhile_counts_once_it_answers(self, hours: int) -> None:
        """As one that was seen to end, though it had left: no failed item is missed."""
        project = project_of(retention_failed=2 * HOUR)
        project.clouds["v2"].items["batch"] = counts(failed=3, processing=7)
        project.run_until(29)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(hours * HOUR)
        project.clouds["v2"].failing.clear()
        ended = {"status": JobStatus.CANCELLED, "completed_at": EPOCH + hours * HOUR - 60}
        project.clouds["v2"].change("batch", **ended)
        project.clouds["v2"].items["batch"] = counts(failed=5, cancelled=5)
        project.run_until(hours * HOUR + 1000)
        counters = project.view().counters
        assert 5 == failed_items(project)
        assert 1 == counters.jobs_finished[JobType.PARSE, JobStatus.CANCELLED]
        assert ["batch"] == [told.job.id for told in project.events_of(JobEnded)]
        assert {"beta", "batch"} == shown(project)

    def test_while_they_are_withdrawn_they_take_no_place_under_the_cap(self) -> None:
        """Otherwise jobs that wait would hide those that run."""
        project = Polling(job("beta"), api_versions=BOTH, max_jobs=2)
        project.clouds["v2"].add(*(job(f"batch-{number}", created_at=0.0) for number in range(5)))
        project.run_until(29)
        assert {"batch-0", "batch-1"} == shown(project)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(400)
        assert {"beta"} == shown(project)

    def test_a_failure_of_their_refreshes_is_over_with_them(self) -> None:
        """They are no longer requested, so none of their refreshes fails."""
        project = project_of()
        project.clouds["v2"].failing["status"] = failure("server")
        project.run_until(29)
        assert 1 == len(project.events_of(RefreshFailed))
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(12 * INTERVAL)
        assert [RefreshRecovered(ErrorReason.SERVER)] == project.events_of(RefreshRecovered)

    def test_unread_batches_are_not_read_meanwhile(self) -> None:
        """They are found again by the first listing that it answers."""
        project = SimulatedPolling(requests_per_minute=30)
        for number in range(40):
            batch = SimulatedBatch(
                id=f"bat-{number}",
                status="COMPLETED",
                created_at=EPOCH - 2 * HOUR,
                updated_at=EPOCH - HOUR,
            )
            batch.files = files_of(batch.id, created_at=EPOCH - 2 * HOUR, running=1)
            project.world.add_batch(batch)
        project.run_until(59)
        assert 20 < (project.view().uncounted_jobs or 0) < 40
        project.client.refused["v2"] = 404
        project.run_until(70)
        assert 0 == project.view().uncounted_jobs
        since = project.now
        project.run_until(since + 800)
        assert [] == project.sent("batch", "list_parse_jobs", since=since)
        del project.client.refused["v2"]
        project.run_until(since + HOUR)
        assert 40 == project.view().tracked_jobs
        assert 0 == project.view().uncounted_jobs


class TestOneJobInBoth:
    """An id that both generations list is one job, of the generation that listed it first."""

    def test_it_is_one_job(self) -> None:
        """It is requested, shown and counted once."""
        project = Polling(job(), api_versions=BOTH)
        project.clouds["v2"].add(job(total_items=99))
        for cloud in project.clouds.values():
            cloud.items["job-1"] = counts(failed=2, processing=8)
        project.run_until(10 * INTERVAL - 1)
        assert (10, "v1beta") == (project.job().total_items, project.job().api_version)
        assert 1 == project.view().tracked_jobs
        assert 2 == failed_items(project)
        assert 20 == asked_for(project, "job-1", since=0)
        listed = project.events_of(ListingSucceeded)[0]
        assert (1, 1) == (listed.jobs, listed.active_jobs)

    def test_the_other_one_goes_on_with_it_where_the_first_is_set_aside(self) -> None:
        """Nothing counts twice, and it stays with the other one from then on."""
        project = Polling(job(), api_versions=BOTH)
        project.clouds["v2"].add(job())
        project.cloud.items["job-1"] = counts(failed=2, processing=8)
        project.clouds["v2"].items["job-1"] = counts(failed=3, processing=7)
        project.run_until(29)
        assert 2 == failed_items(project)
        project.cloud.failing["list"] = NOT_OFFERED
        project.run_until(89)
        assert ("v2", 3) == (project.job().api_version, failed_items(project))
        status = next(r.action for r in project.requests_of("status", since=30))
        assert isinstance(status, FetchStatus)
        # What the other one keeps with a job means nothing to it.
        assert ("v2", None) == (status.job.api_version, status.memory)
        project.cloud.failing.clear()
        project.cloud.items["job-1"] = counts(failed=9, processing=1)
        project.run_until(HOUR)
        assert ("v2", 3) == (project.job().api_version, failed_items(project))
        assert 1 == len(project.events_of(JobAppeared))
        assert 1 == sum(project.view().gauges.active_jobs.values())  # type: ignore[union-attr]


class TestWatermarks:
    """Each generation has a watermark of its own."""

    def test_what_began_and_ended_while_it_was_set_aside_counts(self) -> None:
        """However long ago the other one was listed."""
        project = project_of()
        project.run_until(29)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(4 * HOUR)
        project.clouds["v2"].failing.clear()
        began, ended = {"created_at": EPOCH - HOUR}, {"completed_at": EPOCH + HOUR}
        short = job("short", status=JobStatus.FAILED, **began, **ended)
        project.clouds["v2"].add(short)
        project.cloud.add(replace(short, id="late"))
        project.clouds["v2"].items["short"] = counts(failed=4)
        project.run_until(4 * HOUR + 1000)
        counters = project.view().counters
        assert 1 == counters.jobs_finished[JobType.PARSE, JobStatus.FAILED]
        assert 4 == failed_items(project)

    def test_a_truncated_listing_holds_back_only_its_own(self) -> None:
        """Jobs of the other one are requested since its last complete listing."""
        project = project_of()
        project.clouds["v2"].add(job("more"))
        project.run_until(29)
        project.clouds["v2"].most_rows = 1
        project.run_until(299)
        beta, v2 = plans(project, "v1beta")[270.0], plans(project, "v2")[270.0]
        assert EPOCH + 240 - HOUR == beta.news_since
        assert EPOCH + 0 - HOUR == v2.news_since
        assert project.view().listing_truncated
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(329)
        assert not project.view().listing_truncated

    def test_a_listing_of_v2_reaches_back_to_the_oldest_active_batch_of_the_last_day(self) -> None:
        """One page then shows its status. Older ones are requested by id."""
        project = project_of()
        project.cloud.add(job("older beta", created_at=EPOCH - 9 * HOUR))
        for hours in (3, 5, 30):
            project.clouds["v2"].add(job(f"{hours} hours", created_at=EPOCH - hours * HOUR))
        project.run_until(59)
        project.clouds["v2"].change("5 hours", status=JobStatus.FAILED)
        project.clouds["v2"].change("3 hours", status=JobStatus.FAILED)
        project.run_until(89)
        assert [None, EPOCH - 5 * HOUR, EPOCH - 5 * HOUR] == [
            plan.created_since for plan in plans(project, "v2").values()
        ]
        project.run_until(119)
        assert EPOCH + 60 - HOUR == plans(project, "v2")[90.0].created_since

    def test_one_that_answers_late_counts_what_came_after_the_baseline(self) -> None:
        """What ended before adds nothing, and what runs adds what follows."""
        project = project_of()
        project.clouds["v2"].failing["list"] = failure("server")
        project.run_until(20)
        before, after = EPOCH - HOUR, EPOCH + 20
        ended: dict[str, Any] = {"status": JobStatus.COMPLETED, "failed_items": 1}
        project.clouds["v2"].jobs.clear()
        project.clouds["v2"].add(
            job("ended before", **ended, created_at=before, completed_at=before),
            job("ended since", **ended, created_at=before, completed_at=after),
            job("began before", created_at=before, failed_items=10),
            job("began since", created_at=after),
            # Without dates, what its first listing shows was there before.
            job("undated", created_at=None, failed_items=None),
        )
        for job_id, failed in (("began before", 10), ("began since", 100), ("undated", 1000)):
            project.clouds["v2"].items[job_id] = counts(failed=failed)
        project.clouds["v2"].items["ended since"] = counts(completed=9, failed=1)
        project.clouds["v2"].failing.clear()
        project.run_until(59)
        assert 1 + 100 == failed_items(project)
        counters = project.view().counters
        assert 1 == counters.jobs_finished[JobType.PARSE, JobStatus.COMPLETED]
