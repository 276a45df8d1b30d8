"""LlamaCloud's clock, as far as its answers can be believed about it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.llamacloud.errors import DoubtfulDate

if TYPE_CHECKING:
    from collections.abc import Callable

# Between clocks that are kept; a Date has no fractions of a second besides.
_TOLERANCE_SECONDS = 60.0
_FIRST_DATES_THAT_AGREE = 2
_FIRST_DATES_AT_MOST = 3
_DATES_THAT_AGREE = 3
# One connection, and so perhaps one server with a wrong clock, answers all requests of a poll.
_FOLLOWED_AFTER_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Reading:
    """LlamaCloud's time at a moment, and what our own clocks said then."""

    date: float
    monotonic: float
    wall: float

    def is_followed_by(self, later: _Reading, tolerance_seconds: float) -> bool:
        """Tell whether the time that passed is what one of our clocks measured.

        The wall clock may be set, the other stands still while the machine is suspended.
        """
        passed = later.date - self.date
        measured = later.monotonic - self.monotonic, later.wall - self.wall
        return any(abs(passed - seconds) <= tolerance_seconds for seconds in measured)


class UpstreamClock:
    """Tells LlamaCloud's time, for one project and base URL.

    A ``Date`` is believed that fits our own clock, or the last one that was; another one only where
    those that come after it agree with it.
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
        self._believed: _Reading | None = None
        # The first of those that agree.
        self._doubted: _Reading | None = None
        self._agreeing = 0
        self._first_dates = 0

    def now(self) -> float:
        """Return the Unix time by the last ``Date`` that was believed, else by our own clock."""
        if self._believed is None:
            return self._wall()
        return self._believed.date + self._monotonic() - self._believed.monotonic

    def answered(self, date: float | None, seconds_taken: float) -> float:
        """Return the Unix time of an answer that came now, with such a ``Date`` or without.

        Raises:
            DoubtfulDate: either it or our own clock is wrong, and the next answer may tell which.
        """
        if date is None:
            return self.now()
        reading = _Reading(date, self._monotonic(), self._wall())
        tolerance_seconds = _TOLERANCE_SECONDS + seconds_taken
        if self._is_expected(reading, tolerance_seconds):
            return self._believe(reading)
        self._doubt(reading, tolerance_seconds)
        return self._first(reading) if self._believed is None else self._later(reading)

    def _is_expected(self, reading: _Reading, tolerance_seconds: float) -> bool:
        # Two clocks are not wrong by as much: so a wrong one that was believed is found out.
        if abs(reading.date - reading.wall) <= tolerance_seconds:
            return True
        return self._believed is not None and self._believed.is_followed_by(
            reading, tolerance_seconds
        )

    def _believe(self, reading: _Reading) -> float:
        self._believed, self._doubted = reading, None
        return reading.date

    def _doubt(self, reading: _Reading, tolerance_seconds: float) -> None:
        if self._doubted is None or not self._doubted.is_followed_by(reading, tolerance_seconds):
            self._doubted, self._agreeing = reading, 0
        self._agreeing += 1

    def _first(self, reading: _Reading) -> float:
        self._first_dates += 1
        if self._agreeing >= _FIRST_DATES_THAT_AGREE:
            return self._believe(reading)
        if self._first_dates >= _FIRST_DATES_AT_MOST:
            return self._believe(_Reading(reading.wall, reading.monotonic, reading.wall))
        ahead_seconds = reading.date - reading.wall
        raise DoubtfulDate(f"the Date of the first answer is {ahead_seconds:+.0f} s off our clock")

    def _later(self, reading: _Reading) -> float:
        doubted = self._doubted or reading
        lasting_seconds = reading.monotonic - doubted.monotonic
        if self._agreeing >= _DATES_THAT_AGREE and lasting_seconds >= self._followed_after_seconds:
            return self._believe(reading)
        return self.now()
