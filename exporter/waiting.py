"""Waiting for an event with a time limit, and for tasks to end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


async def happens(event: asyncio.Event, seconds: float | None) -> None:
    """Wait until an event is set, at most for this many seconds; ``None`` is no limit."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def cancelled(tasks: Collection[asyncio.Task[object]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
