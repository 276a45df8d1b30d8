"""The request budget of one key at one base URL: a token bucket with a limit on concurrency."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from exporter.llamacloud.budget_log import BudgetLog
from exporter.llamacloud.permit import KeyReplaced, Permit
from exporter.llamacloud.turns import Turn, Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from exporter.llamacloud.rate import AllowedRate

# Thirty seconds' worth lets the first poll of a handful of jobs end soon after the start. It is no
# more than an interval's requests at once, which production work on the same key hardly notices.
_BURST_SECONDS = 30.0


class RequestBudget:
    """Lets requests pass at the allowed ``rate`` on average, at most ``concurrency`` at once.

    Listings go first, beside ``concurrency``: each project has one at a time. While other requests
    can go as well, listings get at most every second turn, unless a 429 left no more than they
    need. ``key_name`` is what the log calls the key.
    """

    def __init__(
        self,
        rate: AllowedRate,
        concurrency: int,
        clock: Callable[[], float],
        *,
        key_name: str = "",
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._log = BudgetLog(key_name)
        self._filled_at = clock()
        self._tokens = self._capacity(rate.limit)
        self._concurrency = self._free_places = concurrency
        self._listings = Turns()
        self._others = Turns()
        self._last_was_listing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def requests_per_second(self) -> float:
        """The rate that is allowed now."""
        return self._rate.at(self._clock())

    @property
    def is_throttling(self) -> bool:
        """Whether requests other than listings wait because they would be too many."""
        self._refill()
        return self._seconds_until_next() > 0 and bool(self._others)

    @asynccontextmanager
    async def permit(self, asker: object, *, listing: bool) -> AsyncIterator[Permit]:
        """Wait for a turn, and yield leave to send one request; it is given back unless used.

        ``asker`` stands for the project that asks: projects take turns. If it is dismissed
        meanwhile, the permit counts as used.
        """
        permit = await self._turn(asker, listing=listing)
        try:
            yield permit
        finally:
            if not permit.is_used:
                self._give_back(listing=listing)

    @asynccontextmanager
    async def request(
        self, asker: object, *, listing: bool, permit: Permit | None = None
    ) -> AsyncIterator[float]:
        """Hold a place for one request, and yield the seconds that it was waited for.

        Without a ``permit`` that can be used for it, the turn is waited for here.

        Raises:
            KeyReplaced: ``asker`` was dismissed meanwhile.
        """
        if permit is None or not permit.use_for(self, listing=listing):
            permit = await self._turn(asker, listing=listing)
            if not permit.use_for(self, listing=listing):
                raise KeyReplaced
        try:
            yield permit.waited_seconds
        finally:
            self._free_places += not listing
            self._grant()

    def configure(self, requests_per_second: float, *, least: float, concurrency: int) -> None:
        """Have other limits from now on; what was saved up stays, as far as it may be saved up."""
        self._refill()
        self._rate.configure(requests_per_second, least=least)
        self._free_places += concurrency - self._concurrency
        self._concurrency = concurrency
        self._grant()

    def rename(self, key_name: str) -> None:
        """Have the log call the key otherwise."""
        self._log.key_name = key_name

    def refused(self, asked_at: float, retry_after_seconds: float | None) -> None:
        """Slow down: LlamaCloud answered 429 to a request that was sent at ``asked_at``.

        No request passes for ``retry_after_seconds``, if LlamaCloud asked for that.
        """
        self._refill()
        now = self._clock()
        if self._rate.refused(asked_at, now):
            # What was saved up was saved at a rate that is too high.
            self._tokens = min(self._tokens, 0.0)
            self._log.reduced(self._rate.at(now), self._rate.limit)
        if retry_after_seconds is not None:
            # Nothing is earned before then.
            self._filled_at = max(self._filled_at, now + retry_after_seconds)
            self._tokens = min(self._tokens, 1.0)
        self._wake_when_refilled()

    def dismiss(self, asker: object) -> None:
        """Let the requests of ``asker`` wait no longer: it has another key now.

        What LlamaCloud asked the former key to wait for does not bind the new one.
        """
        for turn in (*self._listings.take_all(asker), *self._others.take_all(asker)):
            if not turn.done():
                turn.set_result(False)
        self._wake_when_refilled()

    def _capacity(self, requests_per_second: float) -> float:
        return max(1.0, requests_per_second * _BURST_SECONDS)

    async def _turn(self, asker: object, *, listing: bool) -> Permit:
        """Wait for a token and, unless for a listing, a place."""
        asked = self._clock()
        turn: Turn = asyncio.get_running_loop().create_future()
        turns = self._listings if listing else self._others
        turns.add(asker, turn)
        self._grant()
        try:
            is_granted = await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                turns.discard(asker, turn)
                self._grant()
            elif turn.result():
                # Its turn came while it was leaving.
                self._give_back(listing=listing)
            raise
        waited_seconds = self._clock() - asked
        return Permit(self, waited_seconds, listing=listing, is_used=not is_granted)

    def _give_back(self, *, listing: bool) -> None:
        self._free_places += not listing
        self._tokens += 1
        self._grant()

    def _grant(self) -> None:
        self._refill()
        while self._seconds_until_next() <= 0 and (turns := self._next_turns()):
            turn = turns.take()
            if turn.cancelled():
                continue
            self._last_was_listing = turns is self._listings
            self._free_places -= not self._last_was_listing
            self._tokens -= 1
            turn.set_result(True)
        self._wake_when_refilled()

    def _next_turns(self) -> Turns | None:
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
