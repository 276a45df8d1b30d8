"""Sending an exposition to clients that are fast, slow, or gone before the end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from starlette.types import Receive, Scope, Send

# The longest time that a fast client may keep all others waiting.
_TURN_SECONDS = 0.002
# Large enough to cost no measurable time, small enough to hold one for each client.
_SLICE_BYTES = 64 * 1024


class Connection(Protocol):
    """A client's connection, which the server stores as ``connection`` in a scope's state."""

    client_ended: bool

    def abort(self) -> None:
        """Close the connection at once; unsent bytes are dropped."""

    def is_closing(self) -> bool:
        """Return whether the connection is lost or about to be closed."""


class MetricsResponse(Response):
    """The ``pieces`` of an exposition; calls ``sent`` if the client got all of them.

    They are sent in slices and never copied as a whole: a client that reads slowly, or not at all,
    costs a slice or two, beside bytes that all readers of the same version share. The response is
    sent in the context that ``reading`` returns for a function that closes the connection.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        headers: dict[str, str],
        *,
        reading: Callable[[Callable[[], None]], AbstractContextManager[None]],
        sent: Callable[[], None],
    ) -> None:
        super().__init__(headers=headers)
        self._pieces = pieces
        self._reading = reading
        self._sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response by ASGI."""
        connection: Connection = scope["state"]["connection"]
        with self._reading(connection.abort):
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
            turn_ends = time.perf_counter() + _TURN_SECONDS
            for part in _in_slices(self._pieces):
                if time.perf_counter() > turn_ends:
                    # Let the loop serve other clients.
                    await asyncio.sleep(0)
                    turn_ends = time.perf_counter() + _TURN_SECONDS
                # asyncio logs a warning for writes to a broken connection.
                if connection.is_closing():
                    await _until_disconnected(receive)
                    return
                await _send_on(send, part)
            # uvicorn waits for earlier pieces to be sent only when it is given another.
            await _send_on(send, b"")
            # A client that closed its sending side before this point may be gone. Later, it may
            # have left because it has received everything.
            ended = connection.client_ended
            # The loop reports a connection that broke during a write in its next turn.
            await asyncio.sleep(0)
            left = ended or await Request(scope, receive).is_disconnected()
            await send({"type": "http.response.body", "body": b""})
            if not left:
                self._sent()


async def _until_disconnected(receive: Receive) -> None:
    """Wait until uvicorn noticed the disconnect; otherwise it logs an incomplete response.

    Over TLS this takes some turns of the loop.
    """
    while (await receive())["type"] != "http.disconnect":
        pass


def _in_slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut long pieces and join short ones."""
    waiting: list[bytes] = []
    room = _SLICE_BYTES
    for piece in pieces:
        for start in range(0, len(piece), _SLICE_BYTES):
            part = piece[start : start + _SLICE_BYTES]
            if len(part) > room:
                yield b"".join(waiting)
                waiting, room = [], _SLICE_BYTES
            waiting.append(part)
            room -= len(part)
    yield b"".join(waiting)


async def _send_on(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
