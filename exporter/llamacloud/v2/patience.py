"""How long nothing has moved in a batch, and when to wait no longer."""

from __future__ import annotations

from dataclasses import dataclass

_LOOKS_BEFORE_GIVING_UP = 3


@dataclass(slots=True, eq=False)
class Patience:
    """Looks at a batch, each with the number of ``moves`` in it until then.

    Moments are monotonic. ``still_seconds`` is how long nothing moved.
    """

    moves: int = 0
    still_seconds: float = 0.0
    _moves_at_last_look: int = -1
    _looks: int = 0
    _still_since: float = 0.0

    def look(self, now: float, give_up_after_seconds: float) -> bool:
        """Note that all was asked that there is to ask; tell whether to wait no longer.

        That is so after at least three looks over ``give_up_after_seconds`` in which nothing moved.
        """
        is_over = self.would_end(now, give_up_after_seconds)
        if self.moves != self._moves_at_last_look:
            self._moves_at_last_look, self._looks, self._still_since = self.moves, 0, now
        self._looks += 1
        self.still_seconds = now - self._still_since
        return is_over

    def would_end(self, now: float, give_up_after_seconds: float) -> bool:
        """Tell whether a look at this moment would be the last one, if nothing moves until then."""
        if self.moves != self._moves_at_last_look or self._looks + 1 < _LOOKS_BEFORE_GIVING_UP:
            return False
        return now - self._still_since >= give_up_after_seconds
