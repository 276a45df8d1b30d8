"""Pools of connections: one for each key, closed when its key is no longer used."""

from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from exporter.llamacloud.pools import Pools

pytestmark = pytest.mark.anyio


@dataclass
class FakePool:
    """Remembers whether it was closed."""

    way: str
    is_closed: bool = False

    async def aclose(self) -> None:
        """Remember it."""
        assert not self.is_closed
        self.is_closed = True


@dataclass
class Made:
    """Pools that are kept for two minutes by a clock that a test moves."""

    now: float = 1000.0
    made: list[FakePool] = field(default_factory=list)

    def pools(self) -> Pools[str, FakePool]:
        """Make them."""
        return Pools(self._new_pool, kept_for_seconds=120.0, clock=lambda: self.now)

    def _new_pool(self, way: str) -> FakePool:
        self.made.append(FakePool(way))
        return self.made[-1]

    def closed(self) -> list[bool]:
        """Return for each pool whether it was closed."""
        return [pool.is_closed for pool in self.made]


async def use(pools: Pools[str, FakePool], api_key: str, way: str = "direct") -> FakePool:
    async with pools.of(api_key, way) as pool:
        assert (way, False) == (pool.way, pool.is_closed)
        return pool


async def test_a_key_has_one_pool_and_shares_it_with_none() -> None:
    """However many requests it sends."""
    made = Made()
    async with aclosing(made.pools()) as pools:
        first, other = await use(pools, "one"), await use(pools, "two")
        assert first is not other
        assert first is await use(pools, "one")
    assert [True, True] == made.closed()


async def test_each_way_of_a_key_has_a_pool_of_its_own() -> None:
    """As where one of its servers is reached by a proxy, or certificates were replaced."""
    made = Made()
    async with aclosing(made.pools()) as pools:
        direct, proxied = await use(pools, "one"), await use(pools, "one", "by a proxy")
        assert direct is not proxied
        assert direct is await use(pools, "one")
        assert 2 == len(made.made)


async def test_the_pool_of_a_key_that_was_replaced_is_closed() -> None:
    """With a request of the key that replaced it, when its connections are too old."""
    made = Made()
    async with aclosing(made.pools()) as pools:
        await use(pools, "former")
        await use(pools, "new")
        made.now += 120.0
        await use(pools, "new")
        assert [False, False] == made.closed()
        made.now += 0.1
        await use(pools, "new")
        assert [True, False] == made.closed()
        await use(pools, "former")
        assert [True, False, False] == made.closed()


async def test_a_pool_is_not_closed_while_an_answer_is_waited_for() -> None:
    """Nor before it was unused for long after that."""
    made = Made()
    async with aclosing(made.pools()) as pools:
        async with pools.of("slow", "direct"):
            made.now += 1000.0
            await use(pools, "other")
            assert [False, False] == made.closed()
        await use(pools, "other")
        assert [False, False] == made.closed()


async def test_a_request_that_fails_is_over() -> None:
    """Its pool is closed like others."""
    made = Made()
    async with aclosing(made.pools()) as pools:
        with pytest.raises(ZeroDivisionError):
            async with pools.of("failing", "direct"):
                raise ZeroDivisionError
        made.now += 1000.0
        await use(pools, "other")
        assert [True, False] == made.closed()
