"""Takes long work in steps between which the event loop serves others."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from exporter.domain import Steps

Result = TypeVar("Result")
# What others wait for at most, if no single step takes longer.
_TURN_SECONDS = 0.002


class Pace:
    """The pace at which all projects together do what takes long: one of them at a time."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    async def take(self, steps: Steps[Result]) -> Result:
        """Take ``steps`` with pauses, and return what they lead to.

        The pauses take as long as the work: one turn of the loop between would not be enough for
        answers that take several.
        """
        async with self._one_at_a_time:
            while True:
                turn_ends = time.perf_counter() + _TURN_SECONDS
                try:
                    while time.perf_counter() < turn_ends:
                        next(steps)
                except StopIteration as end:
                    result: Result = end.value
                    return result
                await asyncio.sleep(_TURN_SECONDS)
