"""Which client has to go when there are too many: never the newest."""

from __future__ import annotations

from typing import Protocol


class Client(Protocol):
    """Somebody who holds a connection."""

    def dismiss(self) -> None:
        """Close the connection at once."""


class Crowd:
    """The clients that are connected, ``most`` of them.

    One more is always let in. For it goes who has asked for nothing for longest, or, if all are
    being answered, who has been for longest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Both in the order of time, the longest first.
        self._waiting: dict[Client, None] = {}
        self._answered: dict[Client, None] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._answered)

    def enter(self, client: Client) -> None:
        """Let a client in, and another one go if there are too many."""
        while len(self) >= self._most:
            longest = next(iter(self._waiting or self._answered))
            self.leave(longest)
            longest.dismiss()
        self._waiting[client] = None

    def asks(self, client: Client) -> None:
        """Take note that a request of ``client`` is being answered from now on."""
        if client in self._waiting:
            del self._waiting[client]
            self._answered[client] = None

    def was_answered(self, client: Client) -> None:
        """Take note that ``client`` asks for nothing from now on."""
        if client in self._answered:
            del self._answered[client]
            self._waiting[client] = None

    def leave(self, client: Client) -> None:
        """Forget ``client``, who may have left before."""
        self._waiting.pop(client, None)
        self._answered.pop(client, None)
