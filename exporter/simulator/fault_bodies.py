"""Bodies that never end, until the client leaves."""

from __future__ import annotations

import asyncio
import zlib
from itertools import chain, repeat
from typing import TYPE_CHECKING, ClassVar

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

# Begins like a normal answer.
_BEGINNING = b'{"items": [], "x": "'
_MEBIBYTE_OF_SPACES = b" " * 2**20


async def until_closed(receive: Receive) -> None:
    """Wait until uvicorn noticed the disconnect; otherwise it logs an incomplete response."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _WithoutEnd(Response):
    media_type = "application/json"
    pause_seconds: ClassVar[float] = 0.0

    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status_code, headers=headers)
        del self.headers["content-length"]

    def pieces(self) -> Iterator[bytes]:
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        closed = asyncio.create_task(until_closed(receive))
        pieces = self.pieces()
        while not closed.done():
            await send({"type": "http.response.body", "body": next(pieces), "more_body": True})
            await asyncio.wait({closed}, timeout=self.pause_seconds)


class Drip(_WithoutEnd):
    """Sends a byte at a time, each in time, without end."""

    pause_seconds = 0.02

    def pieces(self) -> Iterator[bytes]:
        """Yield one byte after another."""
        return chain((_BEGINNING,), repeat(b" "))


class Endless(_WithoutEnd):
    """Sends as fast as the client reads."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the pieces of one long string."""
        return chain((_BEGINNING,), repeat(b"x" * 2**16))


class Bomb(_WithoutEnd):
    """Sends gzip that expands a thousandfold."""

    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        super().__init__(status_code, {"content-encoding": "gzip"} | headers)

    def pieces(self) -> Iterator[bytes]:
        """Yield pieces that each decompress to 1 MiB."""
        deflate = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
        yield deflate.compress(_BEGINNING) + deflate.flush(zlib.Z_FULL_FLUSH)
        # After a full flush, equal input gives equal output.
        mebibyte = deflate.compress(_MEBIBYTE_OF_SPACES) + deflate.flush(zlib.Z_FULL_FLUSH)
        yield from repeat(mebibyte)
