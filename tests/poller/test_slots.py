"""What the poller does with the decisions of the core, without any socket."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, NoReturn

import pytest

from exporter.core.actions import CountItems, FetchStatus, ListJobs
from exporter.core.events import JobAppeared, ListingFailed, ListingSucceeded, PollFinished
from exporter.domain import ErrorReason, JobStatus
from exporter.llamacloud.errors import RequestTimedOut
from tests.support.clients import budget_of
from tests.support.history import EPOCH, job
from tests.support.polling import DEADLINE_SECONDS, eventually
from tests.support.scripted_api import running, setup

if TYPE_CHECKING:
    from exporter.llamacloud.budget import RequestBudget

pytestmark = pytest.mark.anyio


async def tokens_left(budget: RequestBudget) -> int:
    """Use up a budget whose clock stands still, and return how many requests it allowed."""
    for passed in count():
        try:
            async with asyncio.timeout(0.05), budget.request("another", listing=False):
                pass
        except TimeoutError:
            return passed
    raise AssertionError("a budget has an end")


@pytest.mark.parametrize(("jobs", "cost"), [(0, 1), (2, 5)])
async def test_a_permit_is_released_where_there_is_nothing_to_do(jobs: int, cost: int) -> None:
    """Only requests cost, although five slots call the core before and after."""
    budget = budget_of(1.0, 8, lambda: 0.0)
    made = setup(*(job(f"job-{number}") for number in range(jobs)), budget=budget)
    async with running(made.poller), asyncio.timeout(DEADLINE_SECONDS):
        await made.poller.publisher.first_poll_is_over.wait()
    assert 30 - cost == await tokens_left(budget)
    assert cost == len(made.api.requested)


async def test_no_request_is_decided_on_before_it_may_be_sent() -> None:
    """What waits for the budget may still be decided otherwise."""
    # Two tokens: a listing, and one status.
    budget = budget_of(1 / 15, 8, lambda: 0.0)
    made = setup(job("a"), job("b"), budget=budget)
    async with running(made.poller):
        await eventually(lambda: made.poller.status().jobs_waiting_for_refresh == 2)
        actions = [made.core.next_action(time.monotonic(), may_list=False) for _ in range(2)]
    assert ["list", "status"] == made.api.requested
    assert [(CountItems, "a"), (FetchStatus, "b")] == [
        (type(action), action.job.id)
        for action in actions
        if isinstance(action, CountItems | FetchStatus)
    ]


@pytest.mark.parametrize("kind", ["list", "status", "items"])
async def test_what_is_cancelled_is_to_be_done_again(kind: str) -> None:
    """The core receives it, and the budget has its place back."""
    budget = budget_of(1.0, 1, lambda: 0.0)
    made = setup(job(), budget=budget)
    made.api.hangs = {kind}
    async with running(made.poller):
        await eventually(lambda: made.api.requested[-1:] == [kind])
    action = made.core.next_action(time.monotonic())
    assert isinstance(action, ListJobs if kind == "list" else FetchStatus)
    sent = len(made.api.requested)
    assert 30 - sent == await tokens_left(budget)


async def test_a_permit_of_a_former_key_is_released_at_once() -> None:
    """Others wait for its place, while the new key's budget may have none for long."""
    now = [0.0]
    former, new = budget_of(1 / 30, 1, lambda: now[0]), budget_of(1 / 30, 1, lambda: 0.0)
    for budget in (former, new):
        async with budget.request("another", listing=False):
            pass
    made = setup(job(), budget=former)
    async with running(made.poller):
        await eventually(lambda: former.is_throttling)
        made.api.access.budget = new
        now[0] += 29.9
        async with asyncio.timeout(DEADLINE_SECONDS):
            now[0] += 0.1
            async with former.request("another", listing=False):
                pass
        # Its token is what the request took, not what the poller kept.
        assert 0 == await tokens_left(former)
        assert [] == made.api.requested


async def test_a_poller_that_is_cancelled_while_it_waits_for_the_budget_leaves_no_trace() -> None:
    """Nothing was handed out."""
    budget = budget_of(1 / 30, 8, lambda: 0.0)
    async with budget.request("another", listing=False):
        pass
    made = setup(job(), budget=budget)
    async with running(made.poller):
        await eventually(lambda: budget.is_throttling)
    assert [] == made.api.requested
    assert isinstance(made.core.next_action(time.monotonic()), ListJobs)
    assert not budget.is_throttling


async def test_what_happens_is_handed_on() -> None:
    """In order, and each event once. The status shows the state of the project."""
    made = setup(job())
    async with running(made.poller), asyncio.timeout(DEADLINE_SECONDS):
        await made.poller.publisher.first_poll_is_over.wait()
    assert [JobAppeared, ListingSucceeded, PollFinished] == [type(event) for event in made.events]
    assert made.poller.status().listing_works
    assert 1 == made.poller.status().active_jobs


async def test_a_failure_is_an_event_and_ends_the_first_poll() -> None:
    """Polling goes on."""
    made = setup(job(), interval=0.1)
    made.api.error = RequestTimedOut("no answer")
    async with running(made.poller), asyncio.timeout(DEADLINE_SECONDS):
        await made.poller.publisher.first_poll_is_over.wait()
        failed, finished = made.events[:2]
        assert isinstance(failed, ListingFailed)
        assert isinstance(finished, PollFinished)
        assert (ErrorReason.TIMEOUT, "error") == (failed.failure.reason, finished.result)
        assert not made.poller.status().listing_works
        made.api.error = None
        await eventually(lambda: made.poller.status().listing_works)


async def test_a_first_poll_is_over_after_an_interval_though_a_job_hangs() -> None:
    """``--once`` prints what there is by then; the next listing may hang as well."""
    made = setup(job(), interval=0.2)
    made.api.hangs = {"status"}
    async with running(made.poller), asyncio.timeout(DEADLINE_SECONDS):
        await eventually(lambda: made.poller.status().listing_works)
        made.api.hangs.add("list")
        await made.poller.publisher.first_poll_is_over.wait()
    assert made.api.requested.count("status") == 1


async def test_a_first_poll_is_reported_once_it_can_be_seen() -> None:
    """What is to be published may first have to be written to a disk."""
    disk = asyncio.Event()
    made = setup(job(), publish_once=disk)
    async with running(made.poller), asyncio.timeout(DEADLINE_SECONDS):
        await made.poller.publisher.first_poll_is_over.wait()
        assert not made.views
        assert not made.poller.publisher.first_poll_is_published.is_set()
        disk.set()
        await made.poller.publisher.first_poll_is_published.wait()
        assert ["job-1"] == [view.job_id for view in made.views[-1][1].jobs]


async def test_what_is_published_during_the_first_poll_is_not_its_end() -> None:
    """A view of the listing alone is published while a job is refreshed."""
    made = setup(job())
    made.api.hangs = {"status"}
    async with running(made.poller):
        await eventually(lambda: bool(made.views and made.views[-1][1].jobs))
        assert not made.poller.publisher.first_poll_is_published.is_set()


async def test_a_poller_is_alive_while_llamacloud_hangs() -> None:
    """Its health is its own."""
    made = setup()
    made.api.hangs = {"list"}
    started = made.poller.publisher.last_alive_monotonic
    async with running(made.poller):
        await eventually(lambda: made.poller.publisher.last_alive_monotonic > started)


async def test_a_bug_ends_the_poller() -> None:
    """It is raised, not swallowed."""
    made = setup(job())
    made.api.error = ZeroDivisionError("a bug")
    with pytest.raises(ExceptionGroup) as caught:
        async with running(made.poller) as task, asyncio.timeout(DEADLINE_SECONDS):
            await task
    assert caught.group_contains(type(made.api.error), match="a bug")


async def test_the_loop_serves_others_while_a_long_listing_is_applied() -> None:
    """It is applied some jobs at a time."""
    made = setup(*(job(f"job-{number}") for number in range(2000)))
    made.api.hangs = {"status"}
    others_turns: list[int] = []

    async def others() -> NoReturn:
        while True:
            others_turns.append(len(made.events))
            await asyncio.sleep(0)

    async with running(made.poller):
        task = asyncio.create_task(others())
        await eventually(lambda: len(made.events) > 2000)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert 9 <= len({turn for turn in others_turns if 0 < turn < 2000})


async def test_a_project_above_the_cap_is_listed_as_ever_while_jobs_leave() -> None:
    """The listing slot never waits for ever."""
    now = time.monotonic()
    over = [
        job(f"job-{n}", status=JobStatus.COMPLETED, completed_at=EPOCH + now + 0.05 * n)
        for n in range(6)
    ]
    made = setup(*over, interval=0.1)
    rules = replace(made.core.rules, retention_finished=0.2, retention_failed=0.2)
    made.core.change_rules(replace(rules, max_jobs=2, items_enabled=False), now)
    async with running(made.poller):
        await eventually(lambda: made.core.view(time.monotonic()).tracked_jobs == 6)
        await eventually(lambda: made.core.view(time.monotonic()).tracked_jobs == 0)
        listed = made.api.requested.count("list")
        await eventually(lambda: made.api.requested.count("list") >= listed + 5)


async def test_a_shorter_interval_applies_at_once() -> None:
    """It waits neither for a listing nor for a read of the key's file that are hours away."""
    made = setup()
    renewed: list[float] = []
    made.api.access.renew = lambda: renewed.append(time.monotonic())  # type: ignore[method-assign]
    async with running(made.poller):
        await eventually(lambda: made.api.requested.count("list") == 1)
        made.poller.change_rules(replace(made.core.rules, interval=0.1))
        await eventually(lambda: made.api.requested.count("list") >= 3)
        await eventually(lambda: len(renewed) >= 2)


async def test_other_rules_are_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although nothing else happened, and the next regular publication is an hour away."""
    monkeypatch.setattr("exporter.publisher._PUBLISH_AT_LEAST_EVERY_SECONDS", 3600.0)
    made = setup(job())
    async with running(made.poller):
        await eventually(lambda: bool(made.views and made.views[-1][1].jobs))
        made.poller.change_rules(replace(made.core.rules, max_jobs=0))
        await eventually(lambda: not made.views[-1][1].jobs)
