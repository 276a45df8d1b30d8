"""LlamaCloud's clock, read from the ``Date`` of its answers unless that is implausible."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.llamacloud.errors import DoubtfulDate

if TYPE_CHECKING:
    from collections.abc import Callable

# Synchronized clocks differ by less, and a Date has no fractions of a second.
_TOLERANCE_SECONDS = 60.0
_FIRST_DATES_THAT_AGREE = 2
_FIRST_DATES_AT_MOST = 3
_DATES_THAT_AGREE = 3
# Longer than a poll: one connection, and so perhaps one server with a wrong clock, may answer all
# its requests.
_FOLLOWED_AFTER_SECONDS = 300.0


class UpstreamClock:
    """LlamaCloud's time, for one project and base URL.

    A ``Date`` is accepted if it agrees with our wall clock, or with the last accepted ``Date`` and
    the time that passed since then. Otherwise it is accepted only once later answers confirm it.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        followed_after_seconds: float = _FOLLOWED_AFTER_SECONDS,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._followed_after_seconds = followed_after_seconds
        # How far LlamaCloud's clock is ahead of the monotonic one, by the last accepted Date.
        self._ahead: float | None = None
        self._first_dates_doubted = 0
        # The first of the doubted Dates that agree, when it was received, and how many agree.
        self._doubted_ahead: float | None = None
        self._doubted_since = 0.0
        self._agreeing = 0

    def now(self) -> float:
        """Return the Unix time by the last accepted ``Date``, else by our own clock."""
        return self._wall() if self._ahead is None else self._ahead + self._monotonic()

    def answered(self, date: float | None, seconds_taken: float) -> float:
        """Return the Unix time of an answer that was just received, with or without a ``Date``.

        Raises:
            DoubtfulDate: the ``Date`` or our own clock is wrong; the next answer may show which.
        """
        if date is None:
            return self.now()
        ahead, ahead_of_wall = date - self._monotonic(), date - self._wall()
        tolerance_seconds = _TOLERANCE_SECONDS + seconds_taken
        # Two clocks are hardly ever wrong by the same time: so agreement corrects a wrong Date that
        # was accepted.
        fits = abs(ahead_of_wall) <= tolerance_seconds
        if self._ahead is not None:
            fits = fits or abs(ahead - self._ahead) <= tolerance_seconds
        if fits or self._is_confirmed(ahead, tolerance_seconds):
            self._accept(ahead)
            return date
        if self._ahead is None:
            self._doubt_first(ahead, ahead_of_wall)
        return self.now()

    def _accept(self, ahead: float) -> None:
        self._ahead, self._doubted_ahead = ahead, None

    def _is_confirmed(self, ahead: float, tolerance_seconds: float) -> bool:
        if self._doubted_ahead is None or abs(ahead - self._doubted_ahead) > tolerance_seconds:
            self._doubted_ahead, self._doubted_since, self._agreeing = ahead, self._monotonic(), 0
        self._agreeing += 1
        if self._ahead is None:
            return self._agreeing >= _FIRST_DATES_THAT_AGREE
        lasting_seconds = self._monotonic() - self._doubted_since
        return (
            self._agreeing >= _DATES_THAT_AGREE and lasting_seconds >= self._followed_after_seconds
        )

    def _doubt_first(self, ahead: float, ahead_of_wall: float) -> None:
        """Raise, so that the request is sent again, a few times; after that, use our own clock."""
        self._first_dates_doubted += 1
        if self._first_dates_doubted < _FIRST_DATES_AT_MOST:
            raise DoubtfulDate(
                f"the Date of the first answer is {ahead_of_wall:+.0f} s off our clock"
            )
        self._accept(ahead - ahead_of_wall)
