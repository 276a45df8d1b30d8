"""A plan's limit on the requests of one key."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WINDOW_SECONDS = 60.0


class RateLimit:
    """Limits the requests of a key within any one minute; refused ones do not count."""

    def __init__(
        self, requests_per_minute: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._requests_per_minute = requests_per_minute
        self._clock = clock
        self._admitted: dict[str, deque[float]] = {}

    def admits(self, key: str) -> bool:
        """Return whether one more request of ``key`` is within the limit; if so, it is counted."""
        now = self._clock()
        admitted = self._admitted.setdefault(key, deque())
        while admitted and admitted[0] <= now - _WINDOW_SECONDS:
            admitted.popleft()
        if len(admitted) >= self._requests_per_minute:
            return False
        admitted.append(now)
        return True
