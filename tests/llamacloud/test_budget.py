"""The request budget: a token bucket whose time is passed in."""

import asyncio

import pytest
from structlog.testing import capture_logs

from exporter.llamacloud.budget import RequestBudget
from exporter.llamacloud.permit import KeyReplaced, Permit
from exporter.llamacloud.rate import AdaptiveRate
from tests.support.clients import budget_of

pytestmark = pytest.mark.anyio

# The bucket holds one request then.
ONE_IN_30_SECONDS = 1 / 30


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def test_a_bucket_holds_thirty_seconds_worth() -> None:
    """A burst of that size passes at once, the next request waits."""
    budget = budget_of(0.5, 100, Clock())
    assert await passing_at_once(budget, 20) == 15


async def test_a_bucket_holds_at_least_one_request() -> None:
    """However small the budget, it lets one pass."""
    assert await passing_at_once(budget_of(0.01, 100, Clock()), 3) == 1


async def test_waiting_requests_pass_at_the_rate() -> None:
    """It depends on the clock, not on the number of calls."""
    budget = budget_of(100.0, 5000, asyncio.get_running_loop().time)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(one_request(budget) for _ in range(3050)))
    elapsed = asyncio.get_running_loop().time() - began
    # A budget that counted calls would take half a minute, a busy machine some seconds.
    assert 0.49 <= elapsed < 15.0


async def test_no_more_refreshes_than_allowed_run_at_once() -> None:
    """The key is shared with production work."""
    budget = budget_of(10_000.0, 3, asyncio.get_running_loop().time)
    at_once: list[int] = []
    running = 0

    async def request() -> None:
        nonlocal running
        async with budget.request("project", listing=False):
            running += 1
            at_once.append(running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(request() for _ in range(40)))
    assert 3 == max(at_once)


async def test_listings_have_a_place_of_their_own() -> None:
    """Refreshes that hang do not delay listings, which use no places of refreshes."""
    budget = budget_of(10_000.0, 3, asyncio.get_running_loop().time)
    hanging = [asyncio.create_task(hang(budget)) for _ in range(5)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5), budget.request("project", listing=True):
        pass
    await leave(hanging)
    async with budget.request("project", listing=True):
        assert 3 == await passing_at_once(budget, 3)


@pytest.mark.parametrize("concurrency", [1, 2, 5])
async def test_leaving_all_at_once_leaves_nothing_behind(concurrency: int) -> None:
    """As at SIGTERM: those that hold a place and those that wait for one."""
    budget = budget_of(10_000.0, concurrency, asyncio.get_running_loop().time)
    tasks = [asyncio.create_task(hang(budget)) for _ in range(8)]
    await asyncio.sleep(0)
    assert {asyncio.CancelledError} == {type(outcome) for outcome in await leave(tasks)}
    async with asyncio.timeout(5):
        for _ in range(8):
            await one_request(budget)


async def test_listings_go_first_but_get_only_every_second_turn() -> None:
    """So listing stays on time, and refreshing is not starved."""
    clock = Clock()
    budget = budget_of(1.0, 1, clock)
    order: list[str] = []

    async def request(name: str, *, listing: bool) -> None:
        async with budget.request("project", listing=listing):
            order.append(name)

    assert 30 == await passing_at_once(budget, 60)
    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(request(f"refresh {number}", listing=False))
            tasks.create_task(request(f"listing {number}", listing=True))
        for _ in range(6):
            await asyncio.sleep(0)
            clock.now += 1
            await passing_at_once(budget, 1)
    assert order == [
        "listing 0",
        "refresh 0",
        "listing 1",
        "refresh 1",
        "listing 2",
        "refresh 2",
    ]


async def test_a_request_that_gives_up_waiting_costs_nothing() -> None:
    """Neither a token nor a slot is lost, whether its turn had come or not."""
    clock = Clock()
    budget = budget_of(ONE_IN_30_SECONDS, 1, clock)
    async with budget.request("project", listing=False):
        waiting = asyncio.create_task(one_request(budget))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    clock.now += 30
    granted = asyncio.create_task(one_request(budget))
    await asyncio.sleep(0)
    granted.cancel()
    await asyncio.gather(granted, return_exceptions=True)
    clock.now += 30
    assert await passing_at_once(budget, 1) == 1


async def test_the_wait_is_logged() -> None:
    """It becomes a metric."""
    clock = Clock()
    budget = budget_of(1000.0, 1, clock)

    async def waiting() -> float:
        async with budget.request("project", listing=False) as waited_seconds:
            return waited_seconds

    async with budget.request("project", listing=False) as at_once:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        clock.now += 7
    assert (at_once, await task) == (0.0, 7.0)


async def test_projects_on_one_key_take_turns() -> None:
    """A project with many requests does not delay the others."""
    budget = budget_of(10_000.0, 2, asyncio.get_running_loop().time)
    order: list[str] = []

    async def request(project: str) -> None:
        async with budget.request(project, listing=False):
            order.append(project)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for project in [*["large"] * 20, *["small", "other"] * 2]:
            tasks.create_task(request(project))
    assert {"small", "other"} <= set(order[:5])
    assert ["large"] * 14 == order[-14:]


async def test_a_429_slows_all_down() -> None:
    """What was saved up is gone, and the rate is half of what it was."""
    clock = Clock()
    budget = budget_of(1.0, 100, clock)
    budget.refused(clock.now, None)
    assert 0.5 == budget.requests_per_second
    assert 0 == await passing_at_once(budget, 3)
    clock.now += 2.0
    assert 1 == await passing_at_once(budget, 3)


async def test_the_wait_that_llamacloud_requires_holds_for_all_requests_of_the_key() -> None:
    """To send others meanwhile would be to draw the next 429."""
    clock = Clock()
    budget = budget_of(1.0, 100, clock)
    budget.refused(clock.now - 1, None)
    clock.now += 100.0
    budget.refused(clock.now - 100.0, 20.0)
    clock.now += 19.5
    assert 0 == await passing_at_once(budget, 3)
    clock.now += 1.0
    assert 1 == await passing_at_once(budget, 3)


async def test_it_is_throttling_while_requests_wait_for_the_rate() -> None:
    """Not while they wait for others to end."""
    clock = Clock()
    budget = budget_of(1.0, 3, clock)
    tasks = [asyncio.create_task(hang(budget)) for _ in range(4)]
    await asyncio.sleep(0)
    reported = [budget.is_throttling]
    await leave(tasks)
    clock.now += 1000
    tasks = [asyncio.create_task(one_request(budget)) for _ in range(60)]
    for _ in range(100):
        await asyncio.sleep(0)
    reported.append(budget.is_throttling)
    await leave(tasks)
    reported.append(budget.is_throttling)
    assert [False, True, False] == reported


async def test_what_a_429_leaves_is_for_listings_first() -> None:
    """One listing an interval is the least: refreshes get what is over."""
    clock = Clock()
    budget = budget_of(1.0, 1, clock, least=0.1)
    for _ in range(4):
        clock.now += 1
        budget.refused(clock.now, None)
    order: list[str] = []

    async def request(name: str, *, listing: bool) -> None:
        async with budget.request("project", listing=listing):
            order.append(name)

    tasks = [asyncio.create_task(request(f"refresh {n}", listing=False)) for n in range(2)]
    tasks += [asyncio.create_task(request(f"listing {n}", listing=True)) for n in range(2)]
    await asyncio.sleep(0)
    for _ in range(2):
        clock.now += 12
        tasks.append(asyncio.create_task(one_request(budget)))
        for _ in range(3):
            await asyncio.sleep(0)
    assert ["listing 0", "listing 1"] == order
    await leave(tasks)


async def test_a_slower_budget_is_logged_once_and_when_it_is_over() -> None:
    """With the key by its name, and what to do."""
    clock = Clock()
    rate = AdaptiveRate(0.5, least=0.01)
    with capture_logs() as logs:
        budget = RequestBudget(rate, 8, clock, key_name="file keys/invoices")
        for _ in range(4):
            clock.now += 1
            budget.refused(clock.now, None)
        clock.now += 3600
        await passing_at_once(budget, 1)
    assert ["budget.reduced", "budget.recovered"] == [line["event"] for line in logs]
    assert ("file keys/invoices", 15.0, 30.0) == (
        logs[0]["key"],
        logs[0]["requests_per_minute"],
        logs[0]["limit_per_minute"],
    )
    assert "api.requests_per_minute" in logs[0]["advice"]
    assert 30.0 == logs[1]["requests_per_minute"]


async def test_a_permit_that_is_not_used_is_returned() -> None:
    """Neither its token nor its place is lost."""
    budget = budget_of(ONE_IN_30_SECONDS, 1, Clock())
    for listing in (True, False):
        async with budget.permit("project", listing=listing):
            assert 0 == await passing_at_once(budget, 1)
    assert 1 == await passing_at_once(budget, 2)


async def test_a_permit_is_good_for_one_request() -> None:
    """The next request of its holder waits for a turn of its own."""
    clock = Clock()
    budget = budget_of(ONE_IN_30_SECONDS, 1, clock)
    assert 1 == await passing_at_once(budget, 1)
    clock.now += 30
    async with budget.permit("project", listing=False) as permit:
        async with budget.request("project", listing=False, permit=permit):
            pass
        second = asyncio.create_task(one_request(budget, permit))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not second.done()
        await leave([second])
    assert 0 == await passing_at_once(budget, 1)


async def test_a_permit_of_another_budget_is_not_used() -> None:
    """The key was replaced while it was held."""
    former, budget = (
        budget_of(ONE_IN_30_SECONDS, 1, Clock()),
        budget_of(ONE_IN_30_SECONDS, 1, Clock()),
    )
    async with former.permit("project", listing=False) as permit:
        await one_request(budget, permit)
        assert not permit.is_used
    assert (1, 0) == (await passing_at_once(former, 1), await passing_at_once(budget, 1))


async def test_who_is_dismissed_waits_no_longer() -> None:
    """A request by the former key is not sent, a permit is of no use; others wait on."""
    clock = Clock()
    budget = budget_of(ONE_IN_30_SECONDS, 1, clock)
    assert 1 == await passing_at_once(budget, 1)
    budget.refused(clock.now, 60.0)
    requests = [asyncio.create_task(one_request(budget)) for _ in range(2)]
    permits = [
        asyncio.create_task(permit_is_used(budget, listing=listing)) for listing in (True, False)
    ]
    other = asyncio.create_task(one_request(budget, project="other"))
    await asyncio.sleep(0)
    budget.dismiss("project")
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*requests, *permits, return_exceptions=True)
    assert [KeyReplaced, KeyReplaced, bool, bool] == [type(outcome) for outcome in outcomes]
    assert [True, True] == outcomes[2:]
    assert not other.done()
    await leave([other])
    clock.now += 120
    assert 1 == await passing_at_once(budget, 3)


async def test_who_leaves_while_dismissed_takes_nothing_along() -> None:
    """As at SIGTERM."""
    clock = Clock()
    budget = budget_of(ONE_IN_30_SECONDS, 1, clock)
    assert 1 == await passing_at_once(budget, 1)
    waiting = asyncio.create_task(one_request(budget))
    await asyncio.sleep(0)
    budget.dismiss("project")
    await leave([waiting])
    assert 0 == await passing_at_once(budget, 1)
    clock.now += 30
    assert 1 == await passing_at_once(budget, 3)


async def permit_is_used(budget: RequestBudget, *, listing: bool) -> bool:
    async with budget.permit("project", listing=listing) as permit:
        return permit.is_used


async def hang(budget: RequestBudget) -> None:
    async with budget.request("project", listing=False):
        await asyncio.Event().wait()


async def leave(tasks: list[asyncio.Task[None]]) -> list[BaseException | None]:
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def one_request(
    budget: RequestBudget, permit: Permit | None = None, project: str = "project"
) -> None:
    async with budget.request(project, listing=False, permit=permit):
        pass


async def passing_at_once(budget: RequestBudget, number: int) -> int:
    """Request ``number`` times, and count the requests that pass while the clock stands still."""
    tasks = [asyncio.create_task(one_request(budget)) for _ in range(number)]
    for _ in range(5):
        await asyncio.sleep(0)
    passed = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return passed


async def test_other_limits_let_nothing_pass_that_was_not_saved_up() -> None:
    """However often they change; a smaller bucket overflows."""
    clock = Clock()
    budget = budget_of(1.0, 100, clock)
    assert await passing_at_once(budget, 40) == 30
    for limit in (10.0, 0.1, 1.0):
        budget.configure(limit, least=0.01, concurrency=100)
    assert await passing_at_once(budget, 10) == 0
    clock.now += 10
    budget.configure(0.1, least=0.01, concurrency=100)
    assert await passing_at_once(budget, 10) == 3


async def test_waiting_requests_pass_at_another_rate_at_once() -> None:
    """They do not wait out what the former one let them wait for."""
    budget = budget_of(0.001, 8, asyncio.get_running_loop().time)
    assert await passing_at_once(budget, 1) == 1
    waiting = asyncio.create_task(one_request(budget))
    await asyncio.sleep(0)
    budget.configure(1000.0, least=0.1, concurrency=8)
    async with asyncio.timeout(5):
        await waiting


async def test_more_or_fewer_places_count_those_that_are_taken() -> None:
    """Those that run go on."""
    budget = budget_of(10_000.0, 1, asyncio.get_running_loop().time)
    async with budget.request("project", listing=False):
        budget.configure(10_000.0, least=1.0, concurrency=2)
        async with asyncio.timeout(5), budget.request("project", listing=False):
            budget.configure(10_000.0, least=1.0, concurrency=1)
    third = asyncio.create_task(one_request(budget))
    async with asyncio.timeout(5):
        await third


async def test_another_limit_does_not_forget_a_429() -> None:
    """It may have been reloaded for that."""
    clock = Clock()
    budget = budget_of(1.0, 8, clock)
    budget.refused(clock.now, None)
    budget.configure(0.8, least=0.01, concurrency=8)
    assert 0.5 == budget.requests_per_second
    budget.configure(0.2, least=0.01, concurrency=8)
    assert 0.2 == budget.requests_per_second
