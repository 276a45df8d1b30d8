"""Long work and others in one event loop."""

import asyncio
import time
from collections.abc import Iterator

from exporter.domain import Steps
from exporter.poller import Pace


def _work(steps: int, done: list[str], name: str) -> Steps[str]:
    for _ in range(steps):
        began = time.perf_counter()
        while time.perf_counter() - began < 0.001:
            pass
        done.append(name)
        yield
    return name


async def _count_turns(turns: Iterator[int]) -> None:
    for _ in turns:
        await asyncio.sleep(0)


def test_the_loop_serves_others_while_long_work_is_done() -> None:
    """Many times, whatever one of them takes."""

    async def run() -> tuple[str, int]:
        turns = iter(range(1_000_000))
        others = asyncio.create_task(_count_turns(turns))
        result = await Pace().take(_work(50, [], "a"))
        others.cancel()
        return result, next(turns)

    result, turns = asyncio.run(run())

    assert result == "a"
    # Each pause leaves one at least, however busy the machine is.
    assert turns > 10


def test_two_pieces_of_work_are_done_one_after_the_other() -> None:
    """Or each turn of the loop would take as long as all of them."""

    async def run() -> list[str]:
        done: list[str] = []
        pace = Pace()
        await asyncio.gather(*(pace.take(_work(20, done, name)) for name in "ab"))
        return done

    assert asyncio.run(run()) == ["a"] * 20 + ["b"] * 20


def test_work_that_fails_leaves_the_pace_to_others() -> None:
    """What it raised is raised."""

    def failing() -> Steps[None]:
        yield
        raise ValueError

    async def run() -> str:
        pace = Pace()
        failed = await asyncio.gather(pace.take(failing()), return_exceptions=True)
        assert isinstance(failed[0], ValueError)
        return await pace.take(_work(1, [], "a"))

    assert asyncio.run(run()) == "a"
