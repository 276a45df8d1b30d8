"""Leaving although the look-up of a name hangs: it runs in a thread that nothing can cancel."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

# Longer than the server leaves to answers, and within the two seconds that are promised.
_LEAVE_ANYWAY_AFTER_SECONDS = 1.5
# A name look-up that hangs keeps its thread for long after its request gave up and was tried again.
_LOOK_UPS_PER_PROJECT = 8


class _Threads(ThreadPoolExecutor):
    """Threads that a loop which ends does not wait for: it would go on serving meanwhile."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature is the library's
        super().shutdown(wait=False, cancel_futures=cancel_futures)


def look_up_names_apart(projects: int) -> None:
    """Have threads enough that no project's name look-up waits for those of others that hang.

    The loop's own executor has a few for each processor. They start when they are needed.
    """
    threads = _Threads(projects * _LOOK_UPS_PER_PROJECT, thread_name_prefix="look-up")
    asyncio.get_running_loop().set_default_executor(threads)


def leave_anyway(status: int) -> None:
    """End the process with an exit status soon, if it has not ended by itself before.

    The interpreter waits for threads.
    """
    leave = threading.Timer(_LEAVE_ANYWAY_AFTER_SECONDS, os._exit, (status,))
    leave.daemon = True
    leave.start()
