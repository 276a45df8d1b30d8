"""The request budget of one key at one base URL: a token bucket with a limit on concurrency."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

# A bucket of ten seconds' worth lets a listing's pages follow each other without a pause, and is
# too small for a burst that production work on the same key would notice.
_BURST_SECONDS = 10.0


class RequestBudget:
    """Lets requests pass at ``requests_per_second`` on average, at most ``concurrency`` at once.

    Listings go first, and one of the places is kept for them; but while others can go as well,
    listings get at most every second turn.
    """

    def __init__(
        self, requests_per_second: float, concurrency: int, clock: Callable[[], float]
    ) -> None:
        self.requests_per_second = requests_per_second
        self._capacity = max(1.0, requests_per_second * _BURST_SECONDS)
        self._tokens = self._capacity
        self._free_slots = concurrency
        # Requests that hang must not keep a listing waiting.
        self._kept_for_listings = 1 if concurrency > 1 else 0
        self._clock = clock
        self._filled_at = clock()
        self._listings: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._last_was_listing = False
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def request(self, *, listing: bool) -> AsyncIterator[float]:
        """Wait for a turn, hold a slot for one request, and yield the seconds waited."""
        asked = self._clock()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._listings if listing else self._others
        queue.append(turn)
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            self._give_back(turn, queue)
            raise
        try:
            yield self._clock() - asked
        finally:
            self._free_slots += 1
            self._grant()

    def _give_back(self, turn: asyncio.Future[None], queue: deque[asyncio.Future[None]]) -> None:
        if turn.cancelled():
            # Unless its turn came while it was leaving.
            with suppress(ValueError):
                queue.remove(turn)
        else:
            self._free_slots += 1
            self._tokens = min(self._capacity, self._tokens + 1)
        self._grant()

    def _grant(self) -> None:
        self._refill()
        while self._tokens >= 1 and (queue := self._next_queue()):
            turn = queue.popleft()
            if turn.cancelled():
                continue
            self._free_slots -= 1
            self._tokens -= 1
            self._last_was_listing = queue is self._listings
            turn.set_result(None)
        self._wake_when_refilled()

    def _next_queue(self) -> deque[asyncio.Future[None]] | None:
        others_turn = self._last_was_listing and self._others
        if self._listings and self._free_slots and not others_turn:
            return self._listings
        if self._others and self._free_slots > self._kept_for_listings:
            return self._others
        return self._listings if self._listings and self._free_slots else None

    def _refill(self) -> None:
        now = self._clock()
        earned = (now - self._filled_at) * self.requests_per_second
        self._tokens = min(self._capacity, self._tokens + earned)
        self._filled_at = now

    def _wake_when_refilled(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._tokens < 1 and (self._listings or self._others):
            delay = (1 - self._tokens) / self.requests_per_second
            self._timer = asyncio.get_running_loop().call_later(delay, self._grant)
