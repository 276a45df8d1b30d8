"""A sidecar that fails at its start stays for a moment: its workload would not start otherwise."""

from __future__ import annotations

import signal
import time
from contextlib import suppress

# The kubelet starts the containers after a native sidecar once a sync has seen the sidecar running.
# It looks once a second, and later on a busy node.
_SEEN_RUNNING_AFTER_SECONDS = 5.0


def stay_until_seen_running(since_monotonic: float) -> None:
    """Wait until the process is five seconds old, or for SIGTERM or SIGINT.

    ``since_monotonic`` is when it started.
    """
    with suppress(KeyboardInterrupt):
        for number in (signal.SIGTERM, signal.SIGINT):
            # Raises KeyboardInterrupt. The handlers of the start, or of the loop, are not for this.
            signal.signal(number, signal.default_int_handler)
        time.sleep(seconds_left(since_monotonic, time.monotonic()))


def seconds_left(since_monotonic: float, now_monotonic: float) -> float:
    """Return how long a process that started at the first moment must stay, 0 if long enough."""
    return max(since_monotonic + _SEEN_RUNNING_AFTER_SECONDS - now_monotonic, 0.0)
