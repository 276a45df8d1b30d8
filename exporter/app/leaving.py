"""Leaving when a signal asks for it, whatever hangs.

The look-up of a name runs in a thread that nothing can cancel; the loop itself may be stuck.
"""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from signal import SIGHUP
from typing import TYPE_CHECKING

import structlog

from exporter.signals import STOPPING

if TYPE_CHECKING:
    import signal

    from exporter.log_writer import LogWriter
    from exporter.signals import Signals

# Longer than the server leaves to answers, and within the two seconds that are promised.
_LEAVE_ANYWAY_AFTER_SECONDS = 1.5
# A name look-up that hangs keeps its thread for long after its request gave up and was tried again.
_LOOK_UPS_PER_PROJECT = 8
_LOG_STANDS_STILL_SECONDS = 1.0
_NO_RESULT = "the metrics were not printed, or not all of them"

log = structlog.get_logger("exporter")


class _Threads(ThreadPoolExecutor):
    """Threads that a loop which ends does not wait for: it would go on serving meanwhile."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature is the library's
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class LookUps:
    """Threads enough that no project's name look-up waits for those of others that hang.

    The loop's own executor has a few for each processor. They start when they are needed.
    """

    def __init__(self) -> None:
        self._threads: _Threads | None = None
        self._projects = 0

    def allow_for(self, projects: int) -> None:
        """Have threads enough for so many projects; those that hang go on."""
        if projects <= self._projects:
            return
        former, self._projects = self._threads, projects
        self._threads = _Threads(projects * _LOOK_UPS_PER_PROJECT, thread_name_prefix="look-up")
        asyncio.get_running_loop().set_default_executor(self._threads)
        if former is not None:
            former.shutdown()


def stop_event(signals: Signals) -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set.

    Where what runs does not end within a second and a half, they end the process with 0 anyway.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def leave(number: signal.Signals) -> None:
        log.info("exporter.stopping", signal=number.name)
        # A loop that has ended raises: then the process is about to end.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)
        time.sleep(_LEAVE_ANYWAY_AFTER_SECONDS)
        os._exit(0)

    signals.handle(STOPPING, leave)
    return stop


def hang_up_event(signals: Signals) -> asyncio.Event:
    """Return an event that SIGHUP sets."""
    hang_up = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake(_: signal.Signals) -> None:
        # A loop that has ended raises: then there is nothing to reload.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(hang_up.set)

    signals.handle([SIGHUP], wake)
    return hang_up


def fail_when_stopped(signals: Signals, log_writer: LogWriter) -> None:
    """Have SIGTERM and SIGINT end the process with 1, for there is no result yet."""

    def leave(number: signal.Signals) -> None:
        log.error("exporter.stopped_early", signal=number.name, detail=_NO_RESULT)
        log_writer.drain(_LOG_STANDS_STILL_SECONDS)
        os._exit(1)

    signals.handle(STOPPING, leave)
