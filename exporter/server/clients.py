"""The limit of connections: the newest client is always accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.server.connection import ClientConnection


class Clients:
    """The connected clients, ``most`` of them.

    At the limit, a new client takes the place of the longest-idle one, or else of the one whose
    response has been running longest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # The client whose state changed longest ago comes first.
        self._is_answering: dict[ClientConnection, bool] = {}

    def __len__(self) -> int:
        return len(self._is_answering)

    def __iter__(self) -> Iterator[ClientConnection]:
        return iter([*self._is_answering])

    def add(self, client: ClientConnection) -> None:
        """Add a client, and close another connection if there are too many."""
        while len(self) >= self._most:
            idle = (each for each in self if not self._is_answering[each])
            longest = next(idle, next(iter(self)))
            self.remove(longest)
            longest.abort()
        self._is_answering[client] = False

    def set_answering(self, client: ClientConnection, *, answering: bool) -> None:
        """Record that a response to ``client`` begins or has ended; it may already be removed."""
        if client in self._is_answering:
            self.remove(client)
            self._is_answering[client] = answering

    def remove(self, client: ClientConnection) -> None:
        """Remove ``client``, which may already be removed."""
        self._is_answering.pop(client, None)
