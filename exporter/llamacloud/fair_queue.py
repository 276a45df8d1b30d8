"""The requests that wait for a budget, and which of them is next."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

# Its result is true once the request may be sent, and false if its key was replaced.
Turn: TypeAlias = asyncio.Future[bool]


class FairQueue:
    """Waiting requests: projects in rotation, the requests of each project in order.

    So no project waits longer because another one with the same key sends more requests.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, deque[Turn]] = {}

    def __bool__(self) -> bool:
        """Tell whether a request waits."""
        return bool(self._waiting)

    def add(self, project: object, turn: Turn) -> None:
        """Add a request of a project."""
        self._waiting.setdefault(project, deque()).append(turn)

    def pop(self) -> Turn:
        """Remove and return the next request; there must be one."""
        project = next(iter(self._waiting))
        requests = self._waiting.pop(project)
        turn = requests.popleft()
        if requests:
            self._waiting[project] = requests
        return turn

    def pop_all(self, project: object) -> Iterable[Turn]:
        """Remove and return all requests of one project."""
        return self._waiting.pop(project, ())

    def discard(self, project: object, turn: Turn) -> None:
        """Remove a request if it still waits."""
        with suppress(KeyError, ValueError):
            requests = self._waiting[project]
            requests.remove(turn)
            if not requests:
                del self._waiting[project]
