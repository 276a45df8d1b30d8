"""The request budget: a token bucket whose time is passed in."""

import asyncio

import pytest

from exporter.llamacloud.budget import RequestBudget

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


async def test_a_bucket_holds_ten_seconds_worth() -> None:
    """A burst of that size passes at once, the next request waits."""
    budget = RequestBudget(0.5, 100, Clock())
    assert await passing_at_once(budget, 9) == 5


async def test_a_bucket_holds_at_least_one_request() -> None:
    """However small the budget, it lets one pass."""
    assert await passing_at_once(RequestBudget(0.01, 100, Clock()), 3) == 1


async def test_waiting_requests_pass_at_the_rate() -> None:
    """By the clock, not by how often is asked."""
    budget = RequestBudget(100.0, 5000, asyncio.get_running_loop().time)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(one_request(budget) for _ in range(1050)))
    elapsed = asyncio.get_running_loop().time() - began
    assert 0.49 <= elapsed < 2.0


async def test_no_more_requests_than_allowed_run_at_once() -> None:
    """The key is shared with production work."""
    budget = RequestBudget(10_000.0, 3, asyncio.get_running_loop().time)
    at_once: list[int] = []
    running = 0

    async def request(*, listing: bool) -> None:
        nonlocal running
        async with budget.request(listing=listing):
            running += 1
            at_once.append(running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(request(listing=number % 2 == 0) for number in range(40)))
    assert 3 == max(at_once)


async def test_a_place_is_kept_for_listings() -> None:
    """Requests that hang do not keep them waiting."""
    budget = RequestBudget(10_000.0, 3, asyncio.get_running_loop().time)
    hanging = [asyncio.create_task(hang(budget)) for _ in range(5)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5), budget.request(listing=True):
        pass
    await leave(hanging)


@pytest.mark.parametrize("concurrency", [1, 2, 5])
async def test_leaving_all_at_once_leaves_nothing_behind(concurrency: int) -> None:
    """As at SIGTERM: those that hold a place and those that wait for one."""
    budget = RequestBudget(10_000.0, concurrency, asyncio.get_running_loop().time)
    tasks = [asyncio.create_task(hang(budget)) for _ in range(8)]
    await asyncio.sleep(0)
    assert {asyncio.CancelledError} == {type(outcome) for outcome in await leave(tasks)}
    async with asyncio.timeout(5):
        for _ in range(8):
            await one_request(budget)


async def test_listings_go_first_but_get_only_every_second_turn() -> None:
    """So listing stays on time, and refreshing is not starved."""
    clock = Clock()
    budget = RequestBudget(1.0, 1, clock)
    order: list[str] = []
    holding = asyncio.Event()

    async def hold() -> None:
        async with budget.request(listing=False):
            await holding.wait()

    async def request(name: str, *, listing: bool) -> None:
        async with budget.request(listing=listing):
            order.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hold())
        await asyncio.sleep(0)
        for number in range(3):
            tasks.create_task(request(f"refresh {number}", listing=False))
            tasks.create_task(request(f"listing {number}", listing=True))
        await asyncio.sleep(0)
        holding.set()
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
    budget = RequestBudget(0.1, 1, clock)
    async with budget.request(listing=False):
        waiting = asyncio.create_task(one_request(budget))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    clock.now += 10
    granted = asyncio.create_task(one_request(budget))
    await asyncio.sleep(0)
    granted.cancel()
    await asyncio.gather(granted, return_exceptions=True)
    clock.now += 10
    assert await passing_at_once(budget, 1) == 1


async def test_the_wait_is_told() -> None:
    """It becomes a metric."""
    clock = Clock()
    budget = RequestBudget(1000.0, 1, clock)

    async def waiting() -> float:
        async with budget.request(listing=False) as waited_seconds:
            return waited_seconds

    async with budget.request(listing=False) as at_once:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        clock.now += 7
    assert (at_once, await task) == (0.0, 7.0)


async def hang(budget: RequestBudget) -> None:
    async with budget.request(listing=False):
        await asyncio.Event().wait()


async def leave(tasks: list[asyncio.Task[None]]) -> list[BaseException | None]:
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def one_request(budget: RequestBudget) -> None:
    async with budget.request(listing=False):
        pass


async def passing_at_once(budget: RequestBudget, number: int) -> int:
    """Ask ``number`` times, and count the requests that pass while the clock stands still."""
    tasks = [asyncio.create_task(one_request(budget)) for _ in range(number)]
    for _ in range(5):
        await asyncio.sleep(0)
    passed = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return passed
