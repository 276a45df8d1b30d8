"""Who is next among the requests that wait."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

# True once it is the request's turn, false if it is dismissed.
Turn: TypeAlias = asyncio.Future[bool]


class Turns:
    """Requests that wait for their turn: askers in rotation, each asker's requests in order.

    So no project waits longer because another one on the same key asks for more.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, deque[Turn]] = {}

    def __bool__(self) -> bool:
        """Tell whether a request waits."""
        return bool(self._waiting)

    def add(self, asker: object, turn: Turn) -> None:
        """Let a request wait."""
        self._waiting.setdefault(asker, deque()).append(turn)

    def take(self) -> Turn:
        """Take out the request whose turn it is; there must be one."""
        asker = next(iter(self._waiting))
        requests = self._waiting.pop(asker)
        turn = requests.popleft()
        if requests:
            self._waiting[asker] = requests
        return turn

    def take_all(self, asker: object) -> Iterable[Turn]:
        """Take out all requests of one asker."""
        return self._waiting.pop(asker, ())

    def discard(self, asker: object, turn: Turn) -> None:
        """Take out a request that no longer wants its turn, if it still waits."""
        with suppress(KeyError, ValueError):
            requests = self._waiting[asker]
            requests.remove(turn)
            if not requests:
                del self._waiting[asker]
