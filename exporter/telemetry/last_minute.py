"""Counting events within the last minute."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 60


class LastMinute:
    """Counts events within the last minute, by whole seconds of ``clock``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds: deque[tuple[int, int]] = deque(maxlen=_SECONDS)

    def add(self) -> None:
        """Count one event."""
        second, number = int(self._clock()), 1
        if self._seconds and self._seconds[-1][0] == second:
            number += self._seconds.pop()[1]
        self._seconds.append((second, number))

    def count(self) -> int:
        """Return the number of events within the last minute."""
        oldest = int(self._clock()) - _SECONDS
        return sum(number for second, number in self._seconds if second > oldest)
