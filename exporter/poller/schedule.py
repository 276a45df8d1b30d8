"""When a project is listed."""

from __future__ import annotations

# An API key that is refused is not asked with more often than that; it may have been replaced.
_LONGEST_BACKOFF_SECONDS = 300.0
# Enough doublings for every interval that can be set.
_MOST_DOUBLINGS = 10


class Schedule:
    """The moments of a project's listings: every ``interval``, in steps that do not drift.

    While LlamaCloud refuses the key, the waits double from one interval up to five minutes. Another
    key starts anew.
    """

    def __init__(self, interval: float, began: float) -> None:
        self._interval = interval
        self._last = began
        self._refused_key: int | None = None
        self._refusals = 0

    def next_after(self, now: float, *, refused_key: int | None) -> float:
        """Return the moment of the next listing, after one that ended ``now``.

        ``refused_key`` is the number of the key that LlamaCloud refused, if it did.
        """
        if refused_key != self._refused_key:
            self._refused_key, self._refusals = refused_key, 0
        if refused_key is not None:
            self._last = now + self._backoff()
        else:
            self._last += ((now - self._last) // self._interval + 1) * self._interval
        return self._last

    def _backoff(self) -> float:
        doubled = self._interval * (1 << min(self._refusals, _MOST_DOUBLINGS))
        self._refusals += 1
        return min(doubled, max(_LONGEST_BACKOFF_SECONDS, self._interval))
