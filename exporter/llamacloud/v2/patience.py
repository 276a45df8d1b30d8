"""How long nothing has moved in a batch, and when to wait no longer."""

from __future__ import annotations

from dataclasses import dataclass

_LOOKS_BEFORE_GIVING_UP = 3
# Nobody looked meanwhile, as while LlamaCloud cannot be reached: what happened then is not known.
# A small budget brings a look every fifteen minutes, and is not to wait for hours.
_MOST_OF_THE_LIMIT_BETWEEN_LOOKS = 0.5


@dataclass(slots=True, eq=False)
class Patience:
    """Looks at a batch, each with the number of moves in it until then, at a monotonic moment.

    ``still_seconds`` is for how long nothing had moved at the last one.
    """

    still_seconds: float = 0.0
    _moves: int = -1
    _looks: int = 0
    _still_since: float = 0.0
    _looked_at: float = 0.0
    _watched_seconds: float = 0.0

    def look(self, moves: int, now: float, give_up_after_seconds: float) -> bool:
        """Note that all was asked that there is to ask; tell whether to wait no longer.

        That is so after at least three looks over ``give_up_after_seconds`` in which nothing moved.
        Of the time between two looks half of that counts at most.
        """
        is_over = self.would_end(moves, now, give_up_after_seconds)
        watched_seconds = self._watched_until(now, give_up_after_seconds)
        if moves != self._moves:
            self._moves, self._looks, self._still_since, watched_seconds = moves, 0, now, 0.0
        self._looks += 1
        self._looked_at, self._watched_seconds = now, watched_seconds
        self.still_seconds = now - self._still_since
        return is_over

    def would_end(self, moves: int, now: float, give_up_after_seconds: float) -> bool:
        """Tell whether a look at this moment would be the last one."""
        if moves != self._moves or self._looks + 1 < _LOOKS_BEFORE_GIVING_UP:
            return False
        return self._watched_until(now, give_up_after_seconds) >= give_up_after_seconds

    def _watched_until(self, now: float, give_up_after_seconds: float) -> float:
        most_seconds = _MOST_OF_THE_LIMIT_BETWEEN_LOOKS * give_up_after_seconds
        return self._watched_seconds + min(now - self._looked_at, most_seconds)
