"""Limits for each client, and the number of clients that the open files allow."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import dataclass, replace

# In a flood, a new client waits for some turns of the loop until it is answered: the clients
# accepted in one turn must not replace all others.
_TURNS_TO_BE_ANSWERED = 4
# More than is ever needed; some hard limits are so high that the tables would cost memory.
_ENOUGH_FILES = 65_536
_FEWEST_CONNECTIONS = 8
# A closed connection keeps its file for three turns, in each of which others are accepted.
_TURNS_UNTIL_CLOSED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The number of clients, and how long each step may take.

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
    """Return limits that reserve ``others`` of the open files for other purposes."""
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
    # Some systems refuse a limit that they report as allowed: keep the old one.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def _at_most_enough(limit: int) -> int:
    return _ENOUGH_FILES if limit == resource.RLIM_INFINITY else min(limit, _ENOUGH_FILES)
