"""A bound on how many versions of the exposition slow clients keep in memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.exposition.snapshot import Published

# Only slow clients ever reach this bound.
_MOST_BEING_READ = 4
# The default scrape_timeout of Prometheus.
_TIME_TO_READ_SECONDS = 10.0


@dataclass(slots=True)
class _Reading:
    last_began: float
    cuts: list[Callable[[], None]] = field(default_factory=list)


class Readers:
    """The clients that are reading versions of the exposition.

    A slow client keeps its version in memory, so at most four versions are being read. Beyond
    that, a new client gets the newest of these four. Once the last client of the oldest version has
    had ten seconds, the clients of that version are disconnected to make room for a new version.
    """

    def __init__(self, newest: Callable[[], Published], clock: Callable[[], float]) -> None:
        self._newest = newest
        self._clock = clock
        # The oldest first.
        self._being_read: dict[Published, _Reading] = {}

    def choose(self) -> Published:
        """Return the version for the next client."""
        newest = self._newest()
        if newest in self._being_read or len(self._being_read) < _MOST_BEING_READ:
            return newest
        oldest, reading = next(iter(self._being_read.items()))
        if self._clock() - reading.last_began < _TIME_TO_READ_SECONDS:
            return next(reversed(self._being_read))
        del self._being_read[oldest]
        for cut in reading.cuts:
            cut()
        return newest

    @contextmanager
    def reading(self, published: Published, cut: Callable[[], None]) -> Iterator[None]:
        """Count a client of ``published`` until the end of the block; ``cut`` disconnects it."""
        began = self._clock()
        reading = self._being_read.setdefault(published, _Reading(began))
        reading.last_began = began
        reading.cuts.append(cut)
        try:
            yield
        finally:
            reading.cuts.remove(cut)
            if not reading.cuts and self._being_read.get(published) is reading:
                del self._being_read[published]
