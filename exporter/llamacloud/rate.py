"""The request rate of one key, which adapts to the 429s of LlamaCloud."""

from __future__ import annotations

# How long a rate that caused a 429 is avoided. A recovery from 0 to the limit takes as long.
_MEMORY_SECONDS = 900.0
# The refused rate itself would cause the next 429.
_SHARE_OF_REFUSED_RATE = 0.9


class AdaptiveRate:
    """Requests a second: ``limit`` at first, halved by a 429, recovering while there is none.

    It never falls below ``least``, and for a quarter of an hour it stays below the rate that last
    caused a 429. Moments are seconds of a monotonic clock.
    """

    def __init__(self, limit: float, *, least: float) -> None:
        self.limit = limit
        self._least = min(least, limit)
        self._halved_at = float("-inf")
        self._halved_to = limit
        self._ceiling = limit

    def configure(self, limit: float, *, least: float) -> None:
        """Apply another limit and least rate; the rate that last caused a 429 is kept."""
        self.limit = limit
        self._least = min(least, limit)

    def at(self, now: float) -> float:
        """Return the rate at a moment; moments never decrease from one call to the next."""
        quiet_seconds = now - self._halved_at
        remembered = min(quiet_seconds, _MEMORY_SECONDS)
        below = min(self._halved_to + self._gained_in(remembered), self._ceiling)
        return min(below + self._gained_in(quiet_seconds - remembered), self.limit)

    def is_low(self, now: float) -> bool:
        """Return whether a 429 reduced the rate so far that half of it is less than ``least``."""
        return self.at(now) < min(self.limit, 2 * self._least)

    def refused(self, sent_at: float, now: float) -> bool:
        """Halve the rate for a 429 to a request that was sent at ``sent_at``.

        Return whether it was halved: a request that was under way when the rate was last halved
        changes nothing.
        """
        if sent_at <= self._halved_at:
            return False
        refused_rate = self.at(now)
        self._ceiling = max(refused_rate * _SHARE_OF_REFUSED_RATE, self._least)
        self._halved_to = max(refused_rate / 2, self._least)
        self._halved_at = now
        return True

    def _gained_in(self, seconds: float) -> float:
        return self.limit / _MEMORY_SECONDS * seconds
