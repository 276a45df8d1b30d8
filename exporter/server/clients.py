"""The limit of connections: the newest client is always accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Client(Protocol):
    """The owner of a connection."""

    def shutdown(self) -> None:
        """Close the connection when the answer under way has ended, or at once."""

    def abort(self) -> None:
        """Close the connection at once."""


class Clients:
    """The connected clients, ``most`` of them.

    At the limit, a new client takes the place of the longest-idle one, or else of the one whose
    response has been running longest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Both in the order of time, the longest first.
        self._idle: dict[Client, None] = {}
        self._answering: dict[Client, None] = {}

    def __len__(self) -> int:
        return len(self._idle) + len(self._answering)

    def __iter__(self) -> Iterator[Client]:
        return iter([*self._idle, *self._answering])

    def add(self, client: Client) -> None:
        """Add a client, and close another connection if there are too many."""
        while len(self) >= self._most:
            longest = next(iter(self._idle or self._answering))
            self.remove(longest)
            longest.abort()
        self._idle[client] = None

    def set_answering(self, client: Client, *, answering: bool) -> None:
        """Note that a response to ``client`` begins or has ended; it may have been removed."""
        if client in self._idle or client in self._answering:
            self.remove(client)
            (self._answering if answering else self._idle)[client] = None

    def remove(self, client: Client) -> None:
        """Forget ``client``, which may have been removed before."""
        self._idle.pop(client, None)
        self._answering.pop(client, None)
