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
        self._refusals = 0

    def is_late(self, now: float) -> bool:
        """Tell whether a listing that begins ``now`` waited long: listings need a larger budget."""
        return now - self.next_at >= _LATE_BY_INTERVALS * self.interval

    def ended(self, now: float, *, refused: bool) -> None:
        """Set the next listing after one that ended ``now``; the key may have been ``refused``."""
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
        """Let the next listing be due ``now``."""
        self._refusals = 0
        self.next_at = min(self.next_at, now)
