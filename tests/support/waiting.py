"""Waiting for what a process does."""

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
    seconds_between_looks: float = 0.02,
    told: Callable[[], str],
) -> None:
    """Check until a condition holds; fail with the text of ``told`` if it never does.

    It also fails if the process ends. Checks take at most half of the time: the cores are for
    processes that are waited for.
    """
    deadline = time.monotonic() + within_seconds
    began = time.monotonic()
    while not condition():
        assert process.poll() is None, told()
        assert began < deadline, told()
        time.sleep(max(seconds_between_looks, time.monotonic() - began))
        began = time.monotonic()
