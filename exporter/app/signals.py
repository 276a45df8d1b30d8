"""Signals are handled in their own thread: neither the event loop nor a stream can delay them."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

from exporter.logs.standard_streams import write_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Without a handler, each of them would end the process.
OTHER_SIGNALS = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """Calls the handler of each signal that arrives, one at a time, in its own thread.

    Until ``handle`` replaces them, SIGTERM and SIGINT end the process at once with
    ``status_if_stopped``, and the others are ignored, each with a line on standard error.
    """

    def __init__(self, *, status_if_stopped: int) -> None:
        exit_at_once = partial(_exit_at_once, status_if_stopped)
        self._handlers: dict[signal.Signals, Callable[[signal.Signals], object]] = {
            **dict.fromkeys(STOP_SIGNALS, exit_at_once),
            **dict.fromkeys(OTHER_SIGNALS, _ignore),
        }

    def start(self) -> None:
        """Start the thread; must be called before any other is started."""
        # Threads inherit what is blocked: only this one receives the signals, from now to the end.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._handlers)
        threading.Thread(target=self._run, name="signals", daemon=True).start()

    def handle(
        self, numbers: Iterable[signal.Signals], handler: Callable[[signal.Signals], object]
    ) -> None:
        """Replace the handler of some signals; it must not raise."""
        self._handlers |= dict.fromkeys(numbers, handler)

    def _run(self) -> None:
        while True:
            number = signal.Signals(signal.sigwait(self._handlers))
            self._handlers[number](number)


def _exit_at_once(status: int, number: signal.Signals) -> None:
    write_error(f"llamacloud-batch-exporter: stopped by {number.name}\n")
    os._exit(status)


def _ignore(number: signal.Signals) -> None:
    write_error(f"llamacloud-batch-exporter: {number.name} is ignored\n")
