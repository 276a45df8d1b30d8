"""What comes of each poll, in virtual time."""

from exporter.core.events import JobEnded, ListingFailed, PollFinished, RefreshFailed
from exporter.core.project import ProjectCore
from exporter.domain import ErrorReason, JobStatus, JobType
from tests.core.fake_cloud import failure
from tests.support.history import RULES, job
from tests.support.virtual_time import Polling, list_now

INTERVAL = 30.0


def results(project: Polling) -> list[str]:
    """Return what came of each poll."""
    return [poll.result for poll in project.events_of(PollFinished)]


class TestResults:
    """A poll is a success, or partial, or an error."""

    def test_a_poll_is_over_when_all_jobs_are_refreshed(self) -> None:
        """So long it took."""
        project = Polling(job("a"), job("b"), slots=1)
        project.cloud.seconds |= {"list": 2.0, "status": 1.0, "items": 3.0}
        project.run_until(INTERVAL)
        (poll,) = project.events_of(PollFinished)
        assert ("success", frozenset(), 10.0) == (poll.result, poll.reasons, poll.seconds)

    def test_a_poll_that_is_not_over_by_the_next_listing_ends_there(self) -> None:
        """Jobs that wait for their turn are no failure."""
        project = Polling(*(job(f"job-{number}") for number in range(50)), requests_per_minute=10)
        project.run_until(10 * INTERVAL)
        assert ["success"] * 10 == results(project)
        assert all(INTERVAL <= poll.seconds < 40 for poll in project.events_of(PollFinished))

    def test_a_listing_that_fails_makes_an_error(self) -> None:
        """Whatever the failure; each reason counts once a poll."""
        project = Polling(job())
        project.run_until(29)
        project.cloud.failing["list"] = failure("server")
        project.run_until(89)
        polls = [(poll.result, poll.reasons) for poll in project.events_of(PollFinished)]
        error = ("error", frozenset({ErrorReason.SERVER}))
        assert [("success", frozenset()), error, error] == polls

    def test_one_bad_job_makes_the_poll_partial_and_harms_no_other(self) -> None:
        """It keeps its last values."""
        project = Polling(job("bad"), job("good"))
        project.run_until(29)
        project.cloud.failing["status bad"] = failure("server")
        project.cloud.progress |= {"good": 0.8, "bad": 0.8}
        project.run_until(59)
        assert (0.8, 0.5) == (
            project.job("good").progress_ratio,
            project.job("bad").progress_ratio,
        )
        project.cloud.failing.clear()
        project.run_until(89)
        assert ["success", "partial", "success"] == results(project)
        assert 0.8 == project.job("bad").progress_ratio

    def test_a_listing_that_lacks_rows_makes_the_poll_partial(self) -> None:
        """It is a listing all the same: the project is listed, and no other job is harmed."""
        project = Polling(job())
        project.cloud.rows_left_out = 2
        project.run_until(29)
        project.cloud.rows_left_out = 0
        project.run_until(59)
        polls = [(poll.result, poll.reasons) for poll in project.events_of(PollFinished)]
        partial = ("partial", frozenset({ErrorReason.BAD_RESPONSE}))
        assert [partial, ("success", frozenset())] == polls
        assert [] == project.events_of(ListingFailed)
        assert 0.5 == project.job().progress_ratio

    def test_many_failures_of_one_reason_count_once_a_poll(self) -> None:
        """Beside others."""
        project = Polling(*(job(f"job-{number}") for number in range(5)))
        project.cloud.failing |= {"status": failure("timeout"), "status job-3": failure("network")}
        project.run_until(29)
        (poll,) = project.events_of(PollFinished)
        assert frozenset({ErrorReason.TIMEOUT, ErrorReason.NETWORK}) == poll.reasons

    def test_items_that_cannot_be_counted_make_a_poll_partial(self) -> None:
        """The job itself is known: it is neither gone nor silently uncounted."""
        project = Polling(job())
        project.cloud.failing["items"] = failure("other")
        project.run_until(5 * INTERVAL - 1)
        assert ["partial"] * 5 == results(project)
        assert (JobStatus.RUNNING, None) == (project.job().status, project.job().items)
        assert 1 == project.view().uncounted_jobs

    def test_a_failure_of_the_poll_before_counts_to_the_poll_in_which_it_is_known(self) -> None:
        """A request that hangs outlasts its poll."""
        project = Polling(job())
        project.cloud.failing["status"] = failure("timeout")
        project.cloud.seconds["status"] = 40.0
        project.run_until(50)
        project.cloud.failing.clear()
        project.cloud.seconds.clear()
        project.run_until(89)
        assert ["success", "partial", "success"] == results(project)


class TestVanishedJobs:
    """Jobs that LlamaCloud no longer knows."""

    def test_a_vanished_job_is_gone_after_two_intervals(self) -> None:
        """It does not run for ever, and nothing is wrong with the polls."""
        project = Polling(job())
        project.run_until(29)
        del project.cloud.jobs["job-1"]
        project.run_until(59)
        assert JobStatus.RUNNING is project.job().status
        project.run_until(89)
        assert JobStatus.GONE is project.job().status
        project.run_until(10 * INTERVAL - 1)
        assert ["success"] * 10 == results(project)
        assert 1 == project.view().counters.jobs_finished[JobType.PARSE, JobStatus.GONE]
        assert 1 == len(project.events_of(JobEnded))
        assert 3 == len(project.requests_of("status"))

    def test_a_job_that_is_listed_but_not_found_is_a_failure(self) -> None:
        """It is never gone while LlamaCloud lists it."""
        project = Polling(job())
        project.run_until(29)
        known = project.cloud.jobs.pop("job-1")
        for poll in range(1, 9):
            project.at(poll * INTERVAL - 1, lambda: project.cloud.add(known))
            project.at(poll * INTERVAL + 0.05, project.cloud.jobs.clear)
        # The job exists when it is listed, and is missing when its status is requested.
        project.run_until(9 * INTERVAL - 1)
        assert ["success", *["partial"] * 8] == results(project)
        assert JobStatus.RUNNING is project.job().status
        assert 1 == len(project.events_of(RefreshFailed))


class TestOver:
    """When a first poll is over, as ``--once`` waits for it."""

    def test_it_is_over_when_all_jobs_are_refreshed(self) -> None:
        """Not before."""
        project = Polling(*(job(f"job-{number}") for number in range(5)))
        project.cloud.seconds |= {"list": 1.0, "status": 1.0, "items": 1.0}
        project.run_until(INTERVAL)
        assert 5.0 == project.first_poll_was_over_at

    def test_it_is_over_with_an_empty_listing(self) -> None:
        """There is nothing to refresh."""
        project = Polling()
        project.cloud.seconds["list"] = 1.0
        project.run_until(INTERVAL)
        assert 1.0 == project.first_poll_was_over_at

    def test_it_is_over_after_one_interval(self) -> None:
        """Not all jobs are waited for where the budget is small."""
        project = Polling(*(job(f"job-{number}") for number in range(50)), requests_per_minute=10)
        project.run_until(5 * INTERVAL)
        assert project.first_poll_was_over_at is not None
        assert INTERVAL <= project.first_poll_was_over_at < INTERVAL + 6

    def test_it_is_over_when_the_listing_failed(self) -> None:
        """At once."""
        project = Polling(job())
        project.cloud.failing["list"] = failure()
        project.cloud.seconds["list"] = 1.0
        project.run_until(INTERVAL)
        assert 1.0 == project.first_poll_was_over_at

    def test_a_listing_that_takes_longer_than_an_interval_is_waited_for(self) -> None:
        """Without it there is nothing to show; its jobs are refreshed until the next is due."""
        project = Polling(job())
        project.cloud.seconds |= {"list": 70.0, "status": 3.0}
        project.run_until(71)
        assert not project.core.poll_is_over(project.now)
        project.run_until(100)
        assert 73.1 == project.first_poll_was_over_at

    def test_refreshes_after_a_slow_listing_have_until_the_next_is_due(self) -> None:
        """What they did not reach by then is not waited for."""
        project = Polling(job())
        project.cloud.seconds |= {"list": 70.0, "status": 300.0}
        project.run_until(100)
        assert 90.0 == project.first_poll_was_over_at

    def test_no_poll_ends_before_its_listing_is_applied(self) -> None:
        """Also if a refresh that the poll before left over ends meanwhile."""
        project = Polling(job())
        project.run_until(29)
        project.cloud.seconds |= {"status": 25.0, "list": 10.0}
        # Its status is requested at 40, and answered during the listing that begins at 60.
        project.run_until(69)
        assert [0.3, INTERVAL] == [
            round(poll.seconds, 3) for poll in project.events_of(PollFinished)
        ]
        project.cloud.seconds.clear()
        project.run_until(89)
        assert 3 == len(project.events_of(PollFinished))

    def test_no_poll_ends_between_the_batches_of_its_listing(self) -> None:
        """A long listing is applied in parts."""
        core = ProjectCore(RULES, 0.0)
        events = list_now(core, 0.0, *(job(f"job-{number}") for number in range(1000)))
        assert [] == [event for event in events if isinstance(event, PollFinished)]
        assert not core.poll_is_over(0.0)
