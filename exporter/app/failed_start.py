"""A sidecar that fails at its start stays for a moment: its workload would not start otherwise."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from exporter.signals import STOPPING

if TYPE_CHECKING:
    from exporter.signals import Signals

# The kubelet starts the containers after a native sidecar once a sync has seen the sidecar running.
# It looks once a second, and later on a busy node.
_SEEN_RUNNING_AFTER_SECONDS = 5.0


def stay_until_seen_running(since_monotonic: float, signals: Signals) -> None:
    """Wait until the process is five seconds old, or for SIGTERM or SIGINT.

    ``since_monotonic`` is when it started.
    """
    stopped = threading.Event()
    # The handlers of the start, or of the loop, would end the process with another status.
    signals.handle(STOPPING, lambda _: stopped.set())
    stopped.wait(seconds_left(since_monotonic, time.monotonic()))


def seconds_left(since_monotonic: float, now_monotonic: float) -> float:
    """Return how long a process that started at the first moment must stay, 0 if long enough."""
    return max(since_monotonic + _SEEN_RUNNING_AFTER_SECONDS - now_monotonic, 0.0)
