"""How many files the process may have open: connections are among them."""

from __future__ import annotations

import contextlib
import resource

# More than is ever needed; tables as long as some hard limits are would cost memory.
_ENOUGH = 65_536
_FEWEST_CONNECTIONS = 8
# A connection that is closed still has its file while those accepted in three turns come.
_TURNS_UNTIL_CLOSED = 4


def raise_open_files_limit() -> int:
    """Raise the soft limit to the hard one, within reason, and return what holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _at_most_enough(hard)
    if _at_most_enough(soft) < wanted:
        # Some systems refuse what they said to be allowed: then it stays as it is.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return _at_most_enough(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def connections_within(open_files: int, *, others: int, accepted_at_once: int) -> int:
    """Return how many connections leave room for ``others`` and for those that just came."""
    left = open_files - others - _TURNS_UNTIL_CLOSED * accepted_at_once
    return max(left, _FEWEST_CONNECTIONS)


def _at_most_enough(limit: int) -> int:
    return _ENOUGH if limit == resource.RLIM_INFINITY else min(limit, _ENOUGH)
