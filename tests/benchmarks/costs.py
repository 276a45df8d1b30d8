"""The cost of some work: time, CPU time and requests."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one poll; ``cpu_seconds`` are user and system time."""

    seconds: float
    cpu_seconds: float
    requests: int


def median_of(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        seconds=median(cost.seconds for cost in costs),
        cpu_seconds=median(cost.cpu_seconds for cost in costs),
        requests=round(median(cost.requests for cost in costs)),
    )


def cpu_seconds_of(pid: int) -> float:
    """Return the CPU time that all threads of a process have used.

    The process's CPU clock is exact; /proc counts in steps that are a tenth of a small poll.
    """
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)
