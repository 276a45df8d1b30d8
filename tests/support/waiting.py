"""Waits for a condition that a process brings about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool],
    process: subprocess.Popen[bytes],
    *,
    within_seconds: float,
    seconds_between_checks: float = 0.02,
    message: Callable[[], str],
) -> None:
    """Check until a condition holds; fail with the text of ``message`` if it never does.

    It also fails if the process ends. Checks use at most half of the time, because the process
    needs the processor as well.
    """
    deadline = time.monotonic() + within_seconds
    began = time.monotonic()
    while not condition():
        assert process.poll() is None, message()
        assert began < deadline, message()
        time.sleep(max(seconds_between_checks, time.monotonic() - began))
        began = time.monotonic()
