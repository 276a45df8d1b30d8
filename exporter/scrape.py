"""Handing a scrape over, to clients that are fast, slow, or gone before the end."""

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

# Others wait for so long while a scrape is handed over that a client takes at once.
_TURN_SECONDS = 0.002
# Large enough to cost no measurable time, small enough to be held for every client there may be.
_SLICE_BYTES = 64 * 1024


class Connection(Protocol):
    """What the server tells of a client's connection, as ``connection`` in a scope's state."""

    client_ended: bool

    def abort(self) -> None:
        """Close it at once."""

    def is_closing(self) -> bool:
        """Tell whether it is lost or about to be closed."""


class Scrape(Response):
    """A body that tells when it was handed over while the client was still there.

    It is sent in slices and never copied as a whole: a client that reads slowly, or not at all,
    costs a slice or two beside the bytes that are shared by all who read what was published then.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        headers: dict[str, str],
        *,
        reading: Callable[[Callable[[], None]], AbstractContextManager[None]],
        handed_over: Callable[[], None],
    ) -> None:
        super().__init__(headers=headers)
        self._pieces = pieces
        self._reading = reading
        self._handed_over = handed_over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as ASGI wants it."""
        with self._reading(scope["state"]["connection"].abort):
            await self._send(scope, receive, send)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = scope["state"]["connection"]
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        turn_ends = time.perf_counter() + _TURN_SECONDS
        for part in _in_slices(self._pieces):
            if time.perf_counter() > turn_ends:
                # Others want to be served while a fast client is.
                await asyncio.sleep(0)
                turn_ends = time.perf_counter() + _TURN_SECONDS
            # Each write after a broken one would have asyncio say so in the log.
            if connection.is_closing():
                await _until_disconnected(receive)
                return
            await _send_on(send, part)
        # uvicorn waits before a piece, not after it, for the connection to take the earlier ones.
        await _send_on(send, b"")
        # One that ended its side before may be gone; from now on it may because it has it all.
        ended = connection.client_ended
        # A connection that broke while it was written to is reported in the loop's next turn.
        await asyncio.sleep(0)
        left = ended or await Request(scope, receive).is_disconnected()
        await send({"type": "http.response.body", "body": b""})
        if not left:
            self._handed_over()


async def _until_disconnected(receive: Receive) -> None:
    """Wait until uvicorn knows of it: up to then it logs an answer without an end as a bug.

    Over TLS that takes some turns of the loop.
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
