"""Connection pools, one for each key and way: no key can receive the answers of another one."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable


class Pool(Protocol):
    """A pool of connections."""

    async def aclose(self) -> None:
        """Close all connections."""


PoolT = TypeVar("PoolT", bound=Pool)
WayT = TypeVar("WayT", bound="Hashable")


@dataclass(slots=True)
class _Entry(Generic[PoolT]):
    pool: PoolT
    requests: int = 0
    last_used_monotonic: float = 0.0


class Pools(Generic[WayT, PoolT]):
    """Makes a pool for each key and way with ``new_pool``.

    A way is what the connections of a pool have in common, such as a proxy. A pool that was not
    used for ``kept_for_seconds`` is closed with the next request of any key: its connections are
    too old to be used again, and its key may have been replaced.
    """

    def __init__(
        self,
        new_pool: Callable[[WayT], PoolT],
        *,
        kept_for_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._new_pool = new_pool
        self._kept_for_seconds = kept_for_seconds
        self._clock = clock
        self._entries: dict[tuple[str, WayT], _Entry[PoolT]] = {}

    async def aclose(self) -> None:
        """Close all pools."""
        while self._entries:
            await self._entries.popitem()[1].pool.aclose()

    @asynccontextmanager
    async def of(self, api_key: str, way: WayT) -> AsyncIterator[PoolT]:
        """Yield the pool of a key on a way, for one request."""
        entry = self._entries.get((api_key, way))
        if entry is None:
            entry = self._entries[api_key, way] = _Entry(self._new_pool(way))
        entry.requests += 1
        try:
            for unused in self._take_unused():
                await unused.aclose()
            yield entry.pool
        finally:
            entry.requests -= 1
            entry.last_used_monotonic = self._clock()

    def _take_unused(self) -> list[PoolT]:
        used_before = self._clock() - self._kept_for_seconds
        unused = [
            key
            for key, entry in self._entries.items()
            if not entry.requests and entry.last_used_monotonic < used_before
        ]
        return [self._entries.pop(key).pool for key in unused]
