"""Waiting for an event, but not for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def happens(event: asyncio.Event, seconds: float | None) -> None:
    """Wait until an event is set, for so many seconds at most; ``None`` is no limit."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
