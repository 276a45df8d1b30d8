"""Publishing views: rendering and compression run in one worker thread, one view at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.domain import ProjectView
    from exporter.snapshot import Snapshot


class Publisher:
    """Replaces views in a snapshot without blocking the event loop."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        # One thread is what keeps publications in order.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="publisher")

    async def publish(self, *views: ProjectView, without: Collection[str] = ()) -> None:
        """Render views and make them visible to scrapes, all at once.

        What is published of the projects named by ``without`` goes at the same moment. That is in
        the turn of the loop in which this returns, so that the caller can show its own metrics of
        the views in the same scrapes.
        """
        loop = asyncio.get_running_loop()
        render = partial(self._snapshot.render, *views, without=without)
        rendered = await loop.run_in_executor(self._worker, render)
        self._snapshot.show(rendered)
