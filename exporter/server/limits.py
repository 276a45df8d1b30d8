"""What a client may cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

_TURNS_TO_BE_ANSWERED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many clients there may be, and how long each may take.

    ``connections`` may be open at once; beyond it one is closed for each that comes.
    ``accepted_at_once`` of those that wait are taken in one turn of the loop, before any of them
    can be closed. ``head_seconds`` is the time for a request's line and headers, from connecting
    or from its first byte; ``answer_seconds`` that for taking the whole answer. A connection on
    which nothing was asked for ``idle_seconds`` is closed. ``leaving_seconds`` is what answers
    under way get when the server stops.
    """

    connections: int = 256
    accepted_at_once: int = 16
    head_seconds: float = 10.0
    answer_seconds: float = 30.0
    # Longer than the usual scrape intervals, so that Prometheus keeps its connection.
    idle_seconds: int = 75
    leaving_seconds: float = 0.5

    def with_connections(self, possible: int) -> Limits:
        """Return limits with at most that many connections.

        In a flood, who just came waits for some turns to be answered: those who come in one turn
        must not be enough to drive out all the others.
        """
        connections = min(self.connections, possible)
        at_once = max(min(self.accepted_at_once, connections // _TURNS_TO_BE_ANSWERED), 1)
        return replace(self, connections=connections, accepted_at_once=at_once)
