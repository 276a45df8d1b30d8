"""Writing pages and JSON in a thread: scrapes do not wait for pages of many jobs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

# With 10,000 jobs, this many pages take a second or two in all, and some megabytes.
_MOST_AT_ONCE = 16
_BUSY = PlainTextResponse(
    "Too many pages are being written: try again in some seconds.\n",
    503,
    headers={"Retry-After": "5", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
)


class Worker:
    """Writes answers, one after the other.

    Few may wait: each holds the status of all jobs in memory, even if its client has left.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._at_once = 0

    async def answer(self, write: Callable[[], Response]) -> Response:
        """Return what ``write`` returns, or 503 while too many others wait."""
        if self._at_once >= _MOST_AT_ONCE:
            return _BUSY
        self._at_once += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, write)
        finally:
            self._at_once -= 1
