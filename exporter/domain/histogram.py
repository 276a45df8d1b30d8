"""Histograms of durations."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
QUEUE_DURATION_BUCKETS = (
    *(1.0, 5.0, 15.0),
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 12 * _HOUR, _DAY),
)
RUN_DURATION_BUCKETS = (
    *(10.0, 30.0),
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY),
)
ITEM_DURATION_BUCKETS = (
    *(1.0, 2.5, 5.0, 10.0, 30.0),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR),
)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations sorted into buckets; ``counts`` are not cumulative, the last is +Inf's."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float = 0.0

    @classmethod
    def empty(cls, bounds: tuple[float, ...]) -> Histogram:
        """Start a histogram with the upper ``bounds``, ascending and without +Inf."""
        return cls(bounds, (0,) * (len(bounds) + 1))

    def observe(self, value: float) -> Histogram:
        """Return this histogram with one more observation."""
        index = bisect_left(self.bounds, value)
        counts = (*self.counts[:index], self.counts[index] + 1, *self.counts[index + 1 :])
        return replace(self, counts=counts, sum=self.sum + value)

    def merge(self, other: Histogram) -> Histogram:
        """Return the observations of both; their bounds must be the same."""
        counts = tuple(mine + its for mine, its in zip(self.counts, other.counts, strict=True))
        return replace(self, counts=counts, sum=self.sum + other.sum)
