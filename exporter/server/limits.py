"""What a client may cost, and how many clients the process has open files for."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import dataclass, replace

# In a flood, a new client waits for some turns of the loop to be answered: those that come in one
# turn must not be enough to replace all others.
_TURNS_TO_BE_ANSWERED = 4
# More than is ever needed; tables as long as some hard limits are would cost memory.
_ENOUGH_FILES = 65_536
_FEWEST_CONNECTIONS = 8
# A connection that is closed still has its file while those accepted in three turns come.
_TURNS_UNTIL_CLOSED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many clients there may be, and how long each may take.

    ``connections`` may be open at once, TLS handshakes included. ``accepted_at_once`` of those that
    wait are accepted in one turn of the loop, before any of them can be closed. ``head_seconds`` is
    the time for a TLS handshake and the first request's head, or for the head of a later one;
    ``answer_seconds`` is the time for receiving the whole answer. A connection on which nothing was
    requested for ``idle_seconds`` is closed. ``leaving_seconds`` is what answers under way get when
    the server stops.
    """

    connections: int = 256
    accepted_at_once: int = 16
    head_seconds: float = 10.0
    answer_seconds: float = 30.0
    # Longer than the usual scrape intervals, so that Prometheus keeps its connection.
    idle_seconds: int = 75
    leaving_seconds: float = 0.5


def limits_within(open_files: int, *, others: int) -> Limits:
    """Return limits that leave ``others`` of the open files for other purposes."""
    limits = Limits()
    left = open_files - others - _TURNS_UNTIL_CLOSED * limits.accepted_at_once
    connections = min(limits.connections, max(left, _FEWEST_CONNECTIONS))
    at_once = min(limits.accepted_at_once, connections // _TURNS_TO_BE_ANSWERED)
    return replace(limits, connections=connections, accepted_at_once=at_once)


def raise_open_files_limit() -> int:
    """Raise the soft limit to the hard one, within reason, and return the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _at_most_enough(hard)
    if _at_most_enough(soft) == wanted:
        return wanted
    # Some systems refuse what they said to be allowed: then it stays as it is.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def _at_most_enough(limit: int) -> int:
    return _ENOUGH_FILES if limit == resource.RLIM_INFINITY else min(limit, _ENOUGH_FILES)
