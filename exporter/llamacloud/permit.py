"""Permits to send requests, and the fair queue of the requests that wait for one."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.llamacloud.budget import RequestBudget

# The result is true when the request may be sent, and false when its key was replaced.
Turn: TypeAlias = asyncio.Future[bool]


class KeyReplaced(Exception):
    """The key was replaced while a request waited for its turn, and nothing was sent."""


@dataclass(slots=True, eq=False)
class Permit:
    """Permission to send one request, which waited for it before deciding what to request.

    ``listing`` permits a listing, and nothing else. ``is_used`` is true once a request was sent, or
    if none may be sent any more.
    """

    budget: RequestBudget
    waited_seconds: float
    listing: bool
    is_used: bool = False

    def use_for(self, budget: RequestBudget, *, listing: bool) -> bool:
        """Use an unused permit that permits such a request; return whether it was used."""
        if self.is_used or budget is not self.budget or listing is not self.listing:
            return False
        self.is_used = True
        return True


class FairQueue:
    """Waiting requests: projects in rotation, the requests of each project in order.

    A project does not wait longer because another one with the same key sends more requests.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, deque[Turn]] = {}

    def __bool__(self) -> bool:
        """Return whether a request waits."""
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
