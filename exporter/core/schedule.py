"""When a project is listed."""

from __future__ import annotations

from exporter.core.final_state import MOST_DOUBLINGS

# A refused API key is tried again after five minutes at the latest; it may have been replaced.
_LONGEST_BACKOFF_SECONDS = 300.0
_LATE_BY_INTERVALS = 0.5


class ListingSchedule:
    """The moments of a project's listings: every ``interval``, in steps that do not drift.

    While LlamaCloud refuses the key, the waits double from one interval up to five minutes. Another
    key starts anew.
    """

    def __init__(self, interval: float, began: float) -> None:
        self.interval = interval
        self.next_at = began
        # The moment before the next one in the same steps, if that is when the next is due.
        self._previous_at: float | None = None
        self._refusals = 0
        self._refused_at = began

    def is_late(self, now: float) -> bool:
        """Tell whether a listing that begins ``now`` waited long: listings need a larger budget."""
        return now - self.next_at >= _LATE_BY_INTERVALS * self.interval

    def ended(self, now: float, *, refused: bool) -> None:
        """Set the next listing after one that ended ``now``; the key may have been ``refused``."""
        if refused:
            self._previous_at, self._refused_at = None, now
            self.next_at = now + self._backoff()
            return
        self._refusals = 0
        self._previous_at = self.next_at + (now - self.next_at) // self.interval * self.interval
        self.next_at = self._previous_at + self.interval

    def set_interval(self, seconds: float, now: float, *, is_under_way: bool) -> None:
        """Have so many seconds from one listing to the next, from the last one on.

        One that would have been due already is due ``now``. The moment of one that ``is_under_way``
        stays: the next is due so long after it.
        """
        self.interval = seconds
        if is_under_way:
            return
        if self._previous_at is not None:
            next_at = self._previous_at + seconds
        elif self._refusals:
            next_at = min(self.next_at, self._refused_at + self._longest_backoff)
        else:
            return
        # A listing that waits for the budget was due before, and still is.
        self.next_at = max(next_at, min(self.next_at, now))

    def key_changed(self, now: float) -> None:
        """Let the next listing be due ``now``."""
        self._refusals = 0
        self._previous_at = None
        self.next_at = min(self.next_at, now)

    def _backoff(self) -> float:
        doubled = self.interval * (1 << min(self._refusals, MOST_DOUBLINGS))
        self._refusals += 1
        return min(doubled, self._longest_backoff)

    @property
    def _longest_backoff(self) -> float:
        return max(_LONGEST_BACKOFF_SECONDS, self.interval)
