"""A token bucket, as that of Go's rate package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.web_config.model import RateLimitSection


class TokenBucket:
    """Allows ``burst`` requests at once, and one more for each interval that has passed."""

    def __init__(self, limit: RateLimitSection, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._counted_at = clock()

    def take(self) -> bool:
        """Take the token of one request, if there is any."""
        now = self._clock()
        earned = (now - self._counted_at) / self.limit.interval
        self._tokens = min(self._tokens + earned, float(self.limit.burst))
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
