"""What the core hands out, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.core.actions import CountItems, FetchStatus, ListJobs, WaitUntil
from exporter.core.events import PollFinished
from exporter.core.observations import Abandoned, Failed, KeyChanged, Listed, Refreshed
from exporter.core.project import ProjectCore
from exporter.domain import ItemsCounted, JobNotFound, JobRefreshed, JobStatus
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, RULES, counts, job
from tests.support.virtual_time import list_now

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob

FOREVER = float("inf")


def core_of(*job_ids: str) -> ProjectCore:
    """Make a core that has just listed some jobs."""
    core = ProjectCore(RULES, 0.0)
    list_now(core, 0.0, *(job(job_id) for job_id in job_ids))
    return core


def next_of(core: ProjectCore, now: float = 0.0) -> RefreshJob:
    """Return the next action of a refresh slot."""
    action = core.next_action(now, may_list=False)
    assert isinstance(action, FetchStatus | CountItems)
    return action


def status_of(action: RefreshJob, now: float = 0.0) -> Refreshed:
    """Answer with the job as it was."""
    return Refreshed(action, JobRefreshed(action.job, 0.5, now, EPOCH + now), "remembered")


class TestOneAtATime:
    """Each action is under way until its observation is received."""

    def test_there_is_one_listing_at_a_time(self) -> None:
        """Another one is due once its answer is there."""
        core = ProjectCore(RULES, 0.0)
        assert isinstance(core.next_action(0.0), ListJobs)
        assert WaitUntil(FOREVER) == core.next_action(0.0)
        assert WaitUntil(FOREVER) == core.next_action(HOUR)

    def test_no_two_actions_are_of_one_job(self) -> None:
        """Not within a poll, and not beyond it."""
        core = core_of("a", "b")
        assert ["a", "b"] == [next_of(core).job.id for _ in range(2)]
        assert WaitUntil(FOREVER) == core.next_action(1.0, may_list=False)
        list_now(core, 30.0, job("a"), job("b"))
        assert WaitUntil(FOREVER) == core.next_action(30.0, may_list=False)

    def test_a_slot_does_only_what_it_may(self) -> None:
        """A slot that may do nothing waits."""
        core = ProjectCore(RULES, 0.0)
        assert WaitUntil(FOREVER) == core.next_action(0.0, may_list=False)
        list_now(core, 0.0, job())
        assert WaitUntil(30.0) == core.next_action(1.0, may_refresh=False)
        assert WaitUntil(FOREVER) == core.next_action(1.0, may_list=False, may_refresh=False)

    def test_a_count_comes_before_the_next_status(self) -> None:
        """A job's numbers belong together."""
        core = core_of("a", "b", "c")
        first, second = next_of(core), next_of(core)
        core.receive(status_of(second), 1.0)
        core.receive(status_of(first), 1.0)
        actions = [next_of(core, 1.0) for _ in range(3)]
        assert [(CountItems, "b"), (CountItems, "a"), (FetchStatus, "c")] == [
            (type(action), action.job.id) for action in actions
        ]

    def test_what_an_answer_left_in_memory_comes_with_the_next_action(self) -> None:
        """It is dropped once nothing is left to request for the job."""
        core = core_of("a")
        core.receive(status_of(next_of(core)), 0.0)
        count = next_of(core)
        assert "remembered" == count.memory
        ended = job("a", status=JobStatus.COMPLETED, completed_at=EPOCH + 20)
        core.receive(
            Refreshed(count, ItemsCounted("a", counts(completed=10), 0.0, EPOCH), "more"), 1.0
        )
        list_now(core, 30.0, ended)
        action = next_of(core, 30.0)
        assert "more" == action.memory
        core.receive(Refreshed(action, JobRefreshed(ended, 1.0, 30.0, EPOCH), "m"), 30.0)
        action = next_of(core, 30.0)
        final = ItemsCounted("a", counts(completed=10), 30.0, EPOCH)
        core.receive(Refreshed(action, final, "last"), 30.0)
        list_now(core, 60.0, job("a"))
        assert next_of(core, 60.0).memory is None


class TestAbandoned:
    """An action that was cancelled without an answer."""

    def test_a_listing_is_due_again(self) -> None:
        """At once."""
        core = ProjectCore(RULES, 0.0)
        action = core.next_action(0.0)
        assert isinstance(action, ListJobs)
        assert () == core.receive(Abandoned(action), 5.0)
        assert isinstance(core.next_action(5.0), ListJobs)

    def test_a_poll_whose_listing_was_abandoned_never_was(self) -> None:
        """It neither fails nor is over, and the listing that follows makes a poll of its own."""
        core = ProjectCore(RULES, 0.0)
        action = core.next_action(0.0)
        assert isinstance(action, ListJobs)
        core.receive(Abandoned(action), 5.0)
        events = list_now(core, 5.0)
        assert ["success"] == [e.result for e in events if isinstance(e, PollFinished)]

    def test_an_abandoned_listing_that_was_applied_is_not_due_again(self) -> None:
        """As where the poller is cancelled when all is done."""
        core = core_of("a")
        action = ListJobs({"v1beta": RULES.full_listing_plan()}, 0.0)
        core.receive(Abandoned(action), 0.1)
        assert WaitUntil(30.0) == core.next_action(0.1, may_refresh=False)
        assert "a" == next_of(core, 0.1).job.id

    def test_a_refresh_is_next_again(self) -> None:
        """Before the jobs that wait, and once."""
        core = core_of("a", "b", "c")
        action = next_of(core)
        assert () == core.receive(Abandoned(action), 5.0)
        assert ["a", "b", "c"] == [next_of(core, 5.0).job.id for _ in range(3)]
        assert WaitUntil(FOREVER) == core.next_action(5.0, may_list=False)

    def test_a_count_is_made_after_all(self) -> None:
        """The job is refreshed again."""
        core = core_of("a", "b")
        core.receive(status_of(next_of(core)), 1.0)
        count = next_of(core, 1.0)
        assert isinstance(count, CountItems)
        core.receive(Abandoned(count), 2.0)
        again = next_of(core, 2.0)
        assert "a" == again.job.id
        core.receive(status_of(again, 2.0), 3.0)
        count = next_of(core, 3.0)
        assert (CountItems, "a") == (type(count), count.job.id)

    def test_a_refresh_that_is_abandoned_in_a_later_poll_is_next_too(self) -> None:
        """Its poll may be over by then."""
        core = core_of("a", "b")
        action = next_of(core)
        list_now(core, 30.0, job("a"), job("b"))
        core.receive(Abandoned(action), 31.0)
        assert ["a", "b"] == [next_of(core, 31.0).job.id for _ in range(2)]


class TestFailures:
    """What a failure leaves to be done."""

    def test_a_job_whose_refresh_fails_has_its_turn_in_the_next_poll(self) -> None:
        """Not before."""
        core = core_of("a")
        core.receive(Failed(next_of(core), failure("server")), 1.0)
        assert WaitUntil(FOREVER) == core.next_action(2.0, may_list=False)
        list_now(core, 30.0, job("a"))
        assert "a" == next_of(core, 30.0).job.id

    @pytest.mark.parametrize("known", [True, False])
    def test_a_job_that_is_not_found_has_had_its_turn(self, *, known: bool) -> None:
        """Whether the last listing shows it or not."""
        core = core_of("a")
        if not known:
            list_now(core, 30.0)
        action = next_of(core, 30.0)
        answer = JobNotFound("a", 30.0, EPOCH + 30, failure("not_found"))
        core.receive(Refreshed(action, answer, None), 31.0)
        assert WaitUntil(FOREVER) == core.next_action(32.0, may_list=False)

    def test_a_key_that_changes_during_a_listing_makes_no_second_one(self) -> None:
        """The listing that is under way ends first."""
        core = ProjectCore(RULES, 0.0)
        action = core.next_action(0.0)
        assert isinstance(action, ListJobs)
        core.receive(KeyChanged(), 1.0)
        assert WaitUntil(FOREVER) == core.next_action(1.0)
        core.receive(Listed(action, {"v1beta": failure("unauthorized")}), 2.0)
        # It was the old key, or the new one is not known yet: both are tried again soon.
        assert WaitUntil(32.0) == core.next_action(2.0)
