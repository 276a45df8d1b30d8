"""What happens in the background while a test waits for alerts."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.e2e.troubles import complete_an_item

if TYPE_CHECKING:
    import subprocess

    from tests.support.cloud import Cloud

SECONDS_AN_ITEM = 0.5
# Scrapes see both states, and it is never down for as long as an absent exporter.
SECONDS_STOPPED = 3.0
SECONDS_RUNNING = 1.5


class Work:
    """Makes the job of a project progress while the test waits."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self._cloud = cloud
        self._name = name
        self._due = time.monotonic()

    def progress(self) -> bool:
        """Complete an item if the next one is due, and return whether it did."""
        if time.monotonic() < self._due:
            return False
        complete_an_item(self._cloud, self._name)
        self._due = time.monotonic() + SECONDS_AN_ITEM
        return True


class Wavering:
    """Stops and continues a process again and again."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._is_stopped = False
        self._due = time.monotonic()

    def go_on(self) -> None:
        """Stop the process or continue it, if that is due."""
        if time.monotonic() < self._due:
            return
        if self._is_stopped:
            self.stay()
            return
        self._process.send_signal(signal.SIGSTOP)
        self._is_stopped = True
        self._due = time.monotonic() + SECONDS_STOPPED

    def stay(self) -> None:
        """Continue the process for good."""
        self._process.send_signal(signal.SIGCONT)
        self._is_stopped = False
        self._due = time.monotonic() + SECONDS_RUNNING
