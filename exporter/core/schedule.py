"""When the listings of a project are due."""

from __future__ import annotations

from exporter.core.final_state import MOST_DOUBLINGS

# The key may have been replaced.
_LONGEST_BACKOFF_SECONDS = 300.0
_LATE_BY_INTERVALS = 0.5


class ListingSchedule:
    """Schedules listings every ``interval`` seconds, in steps that do not drift.

    While LlamaCloud refuses the key, the wait doubles from one interval up to five minutes. A new
    key resets it.
    """

    def __init__(self, interval: float, began: float) -> None:
        self.interval = interval
        self.next_at = began
        self._refusals = 0

    def is_late(self, now: float) -> bool:
        """Return whether a listing that begins ``now`` is late: the budget is too small."""
        return now - self.next_at >= _LATE_BY_INTERVALS * self.interval

    def ended(self, now: float, *, refused: bool) -> None:
        """Schedule the next listing; ``refused`` if the last one failed because of the key."""
        if refused:
            doubled = self.interval * 2 ** min(self._refusals, MOST_DOUBLINGS)
            self._refusals += 1
            self.next_at = now + min(doubled, max(_LONGEST_BACKOFF_SECONDS, self.interval))
            return
        self._refusals = 0
        self.next_at += ((now - self.next_at) // self.interval + 1) * self.interval

    def set_interval(self, seconds: float, now: float) -> None:
        """Change the interval; the next listing is due ``seconds`` from ``now`` at the latest."""
        self.interval = seconds
        self.next_at = min(self.next_at, now + seconds)

    def key_changed(self, now: float) -> None:
        """Make the next listing due ``now``."""
        self._refusals = 0
        self.next_at = min(self.next_at, now)
