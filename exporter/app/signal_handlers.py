"""What signals do once the settings are read; a thread of ``exporter.app.signals`` calls these."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import suppress
from signal import SIGHUP
from typing import TYPE_CHECKING

import structlog

from exporter.app.signals import OTHER_SIGNALS, STOP_SIGNALS

if TYPE_CHECKING:
    import signal

    from exporter.app.signals import Signals
    from exporter.logs.writer import LogWriter

# Longer than the server waits for responses, and within the two seconds that README promises.
_EXIT_AFTER_SECONDS = 1.5
# The kubelet starts the containers after a native sidecar once a sync has seen the sidecar running.
# It syncs once a second, and later on a busy node.
_SEEN_RUNNING_AFTER_SECONDS = 5.0
_NO_RESULT = "the metrics were not printed, or not all of them"

log = structlog.get_logger("exporter")


def log_ignored(signals: Signals) -> None:
    """Log the signals that neither stop nor reload the exporter."""
    signals.handle(
        OTHER_SIGNALS, lambda number: log.info("exporter.signal_ignored", signal=number.name)
    )


def stop_event(signals: Signals) -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set.

    A second and a half later they end the process with 0, whatever still hangs: nothing can cancel
    the look-up of a name in its thread, and the loop itself may be stuck.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_soon(number: signal.Signals) -> None:
        log.info("exporter.stopping", signal=number.name)
        # A loop that has ended raises: then the process is about to end.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)
        time.sleep(_EXIT_AFTER_SECONDS)
        os._exit(0)

    signals.handle(STOP_SIGNALS, stop_soon)
    return stop


def reload_event(signals: Signals) -> asyncio.Event:
    """Return an event that SIGHUP sets."""
    wanted = asyncio.Event()
    loop = asyncio.get_running_loop()

    def set_wanted(_: signal.Signals) -> None:
        # A loop that has ended raises: then there is nothing to reload.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(wanted.set)

    signals.handle([SIGHUP], set_wanted)
    return wanted


def fail_when_stopped(signals: Signals, log_writer: LogWriter) -> None:
    """Have SIGTERM and SIGINT end the process with 1, because there is no result yet."""

    def fail(number: signal.Signals) -> None:
        log.error("exporter.stopped_early", signal=number.name, detail=_NO_RESULT)
        log_writer.drain()
        os._exit(1)

    signals.handle(STOP_SIGNALS, fail)


def stay_until_seen_running(since_monotonic: float, signals: Signals) -> None:
    """Wait until the process is five seconds old, or for SIGTERM or SIGINT.

    ``since_monotonic`` is when it started. A native sidecar that fails sooner would keep its
    workload from starting.
    """
    stopped = threading.Event()
    # The former handlers would end the process with another status.
    signals.handle(STOP_SIGNALS, lambda _: stopped.set())
    stopped.wait(seconds_left(since_monotonic, time.monotonic()))


def seconds_left(since_monotonic: float, now_monotonic: float) -> float:
    """Return how long a process that started at the first moment must stay, 0 if long enough."""
    return max(since_monotonic + _SEEN_RUNNING_AFTER_SECONDS - now_monotonic, 0.0)
