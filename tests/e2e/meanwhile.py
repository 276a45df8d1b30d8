"""What goes on while a test waits for alerts."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.e2e.troubles import complete_an_item

if TYPE_CHECKING:
    import subprocess

    from tests.support.cloud import Cloud

SECONDS_AN_ITEM = 0.5
# Some scrapes meet it in each state, and it never is down for as long as one that is absent.
SECONDS_STOPPED = 3.0
SECONDS_RUNNING = 1.5


class Work:
    """The job of a project gets on while the test waits."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self._cloud = cloud
        self._name = name
        self._due = time.monotonic()

    def went_on(self) -> bool:
        """Complete an item if it is time for the next one, and tell whether it was."""
        if time.monotonic() < self._due:
            return False
        complete_an_item(self._cloud, self._name)
        self._due = time.monotonic() + SECONDS_AN_ITEM
        return True


class Wavering:
    """A process goes away and comes back, again and again."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._is_stopped = False
        self._due = time.monotonic()

    def go_on(self) -> None:
        """Stop it or let it run, if it is time for that."""
        if time.monotonic() < self._due:
            return
        if self._is_stopped:
            self.stay()
            return
        self._process.send_signal(signal.SIGSTOP)
        self._is_stopped = True
        self._due = time.monotonic() + SECONDS_STOPPED

    def stay(self) -> None:
        """Let it run."""
        self._process.send_signal(signal.SIGCONT)
        self._is_stopped = False
        self._due = time.monotonic() + SECONDS_RUNNING
