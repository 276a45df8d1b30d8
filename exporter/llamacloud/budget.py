"""The request budget of one key at one base URL: a token bucket with a limit on concurrency."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.llamacloud.permit import FairQueue, KeyReplaced, Permit, Turn
from exporter.llamacloud.request_log import BudgetLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from exporter.llamacloud.rate import AdaptiveRate

# Saved tokens let the first poll of a few jobs complete soon after the start. They are limited to
# the requests of one interval, which other work with the same key hardly notices.
_BURST_SECONDS = 30.0


class RequestBudget:
    """Permits requests at the allowed ``rate`` on average, at most ``concurrency`` at a time.

    Listings come first and do not count as concurrent: each project has one at a time. While other
    requests could be sent too, listings get at most every second turn, unless a 429 left no more
    than they need. ``key_name`` is the name of the key in the log.
    """

    def __init__(
        self,
        rate: AdaptiveRate,
        concurrency: int,
        clock: Callable[[], float],
        *,
        key_name: str = "",
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._log = BudgetLog(key_name)
        # Tokens are added for the time since then; after a Retry-After, it lies in the future.
        self._filled_at = clock()
        self._tokens = self._capacity(rate.limit)
        self._concurrency = self._free_places = concurrency
        self._listings = FairQueue()
        self._others = FairQueue()
        self._last_was_listing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def requests_per_second(self) -> float:
        """The rate allowed now."""
        return self._rate.at(self._clock())

    @property
    def is_throttling(self) -> bool:
        """Whether requests other than listings wait because the rate does not allow them yet."""
        self._refill()
        return self._seconds_until_next() > 0 and bool(self._others)

    @asynccontextmanager
    async def permit(self, project: object, *, listing: bool) -> AsyncIterator[Permit]:
        """Wait for a turn, and yield a permit for one request; an unused permit is released.

        ``project`` is any object that stands for the project: projects take turns. If it is
        dismissed meanwhile, the permit counts as used.
        """
        permit = await self._turn(project, listing=listing)
        try:
            yield permit
        finally:
            if not permit.is_used:
                self._release(listing=listing)

    @asynccontextmanager
    async def request(
        self, project: object, *, listing: bool, permit: Permit | None = None
    ) -> AsyncIterator[float]:
        """Reserve a place for one request, and yield the seconds that it waited for its turn.

        The request waits here unless ``permit`` can be used for it.

        Raises:
            KeyReplaced: ``project`` was dismissed meanwhile.
        """
        if permit is None or not permit.use_for(self, listing=listing):
            permit = await self._turn(project, listing=listing)
            if not permit.use_for(self, listing=listing):
                raise KeyReplaced
        try:
            yield permit.waited_seconds
        finally:
            self._free_places += not listing
            self._grant()

    def configure(self, requests_per_second: float, *, least: float, concurrency: int) -> None:
        """Apply new limits; saved tokens are kept, up to the new capacity."""
        self._refill()
        self._rate.configure(requests_per_second, least=least)
        self._free_places += concurrency - self._concurrency
        self._concurrency = concurrency
        self._grant()

    def rename(self, key_name: str) -> None:
        """Change the name of the key in the log."""
        self._log.key_name = key_name

    def refused(self, sent_at: float, retry_after_seconds: float | None) -> None:
        """Slow down: LlamaCloud answered 429 to a request that was sent at ``sent_at``.

        No request is sent for ``retry_after_seconds``, if LlamaCloud set that time.
        """
        self._refill()
        now = self._clock()
        if self._rate.refused(sent_at, now):
            # Tokens that were saved at the refused rate would cause the next 429.
            self._tokens = min(self._tokens, 0.0)
            self._log.reduced(self._rate.at(now), self._rate.limit)
        if retry_after_seconds is not None:
            # No token is added before then.
            self._filled_at = max(self._filled_at, now + retry_after_seconds)
            self._tokens = min(self._tokens, 1.0)
        self._wake_when_refilled()

    def dismiss(self, project: object) -> None:
        """Stop the requests of ``project`` from waiting: it has another key now.

        A ``Retry-After`` for the former key does not apply to the new one.
        """
        for turn in (*self._listings.pop_all(project), *self._others.pop_all(project)):
            if not turn.done():
                turn.set_result(False)
        self._wake_when_refilled()

    def _capacity(self, requests_per_second: float) -> float:
        return max(1.0, requests_per_second * _BURST_SECONDS)

    async def _turn(self, project: object, *, listing: bool) -> Permit:
        """Wait for a token and, unless for a listing, a place."""
        began = self._clock()
        turn: Turn = asyncio.get_running_loop().create_future()
        queue = self._listings if listing else self._others
        queue.add(project, turn)
        self._grant()
        try:
            is_granted = await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                queue.discard(project, turn)
                self._grant()
            elif turn.result():
                # Its turn came while it was cancelled.
                self._release(listing=listing)
            raise
        waited_seconds = self._clock() - began
        return Permit(self, waited_seconds, listing, is_used=not is_granted)

    def _release(self, *, listing: bool) -> None:
        self._free_places += not listing
        self._tokens += 1
        self._grant()

    def _grant(self) -> None:
        self._refill()
        while self._seconds_until_next() <= 0 and (queue := self._next_queue()):
            turn = queue.pop()
            if turn.cancelled():
                continue
            self._last_was_listing = queue is self._listings
            self._free_places -= not self._last_was_listing
            self._tokens -= 1
            turn.set_result(True)
        self._wake_when_refilled()

    def _next_queue(self) -> FairQueue | None:
        others_can_go = bool(self._others) and self._free_places > 0
        others_turn = self._last_was_listing and not self._rate.is_low(self._clock())
        if self._listings and not (others_turn and others_can_go):
            return self._listings
        return self._others if others_can_go else None

    def _refill(self) -> None:
        now = self._clock()
        rate = self._rate.at(now)
        earned = max(now - self._filled_at, 0.0) * rate
        self._tokens = min(self._capacity(rate), self._tokens + earned)
        self._filled_at = max(self._filled_at, now)
        self._log.grew(rate, self._rate.limit)

    def _wake_when_refilled(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        delay = self._seconds_until_next()
        if delay > 0 and (self._listings or self._others):
            self._timer = asyncio.get_running_loop().call_later(delay, self._grant)

    def _seconds_until_next(self) -> float:
        until_earned = (1 - self._tokens) / self.requests_per_second
        return max(until_earned, 0.0) + max(self._filled_at - self._clock(), 0.0)
