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

# So that it cannot be told from an answer before its end.
_BEGINNING = b'{"items": [], "x": "'
_MEBIBYTE_OF_SPACES = b" " * 2**20


async def until_closed(receive: Receive) -> None:
    """Stay until uvicorn knows, or it would log an answer that it thinks was forgotten."""
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
    """Sends a byte at a time: each comes in time, the whole never does."""

    pause_seconds = 0.02

    def pieces(self) -> Iterator[bytes]:
        """Yield one byte after another."""
        return chain((_BEGINNING,), repeat(b" "))


class Endless(_WithoutEnd):
    """Sends as much as is taken."""

    def pieces(self) -> Iterator[bytes]:
        """Yield what looks like one long string."""
        return chain((_BEGINNING,), repeat(b"x" * 2**16))


class Bomb(_WithoutEnd):
    """Sends gzip, a thousandth of what it says."""

    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        super().__init__(status_code, {"content-encoding": "gzip"} | headers)

    def pieces(self) -> Iterator[bytes]:
        """Yield a mebibyte each."""
        deflate = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
        yield deflate.compress(_BEGINNING) + deflate.flush(zlib.Z_FULL_FLUSH)
        # After a full flush, equal input gives equal output.
        mebibyte = deflate.compress(_MEBIBYTE_OF_SPACES) + deflate.flush(zlib.Z_FULL_FLUSH)
        yield from repeat(mebibyte)
