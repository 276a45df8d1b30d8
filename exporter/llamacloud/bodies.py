"""Reading the body of an answer: bounded, however long it is and however well it is compressed."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from exporter.llamacloud.errors import BodyTooLarge, NetworkFailed, UnreadableBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# A page of 1000 rows takes half a megabyte; so each may carry an error message of 16 kB.
LONGEST_ANSWER_BYTES: Final = 16 * 2**20
# LlamaCloud explains a refusal in a line or two; a gateway's page is not read for its words.
LONGEST_REFUSAL_BYTES: Final = 64 * 2**10
# All that is read. What encodings there are beside would each need bounds of its own.
ACCEPTED_ENCODING: Final = "gzip"

_IDENTITY = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_MISNAMED = "the body is not what its Content-Encoding says"
# A body in pieces of a byte each would keep everything else waiting for tenths of a second.
_PIECES_WITHOUT_A_BREAK = 256


async def read_body(
    pieces: AsyncIterator[bytes], content_encoding: str, longest_bytes: int
) -> bytes:
    """Read a body as it was before ``content_encoding``; whoever closes ``pieces`` ends the rest.

    Raises:
        BodyTooLarge: it is longer than ``longest_bytes``.
        UnreadableBody: it is not what its encoding says.
        NetworkFailed: it is compressed, and its end is missing.
    """
    encoding = content_encoding.strip().lower()
    if encoding not in _IDENTITY | _GZIP:
        raise UnreadableBody(
            "the body has another Content-Encoding than the gzip that was asked for"
        )
    inflate = zlib.decompressobj(_GZIP_WINDOW) if encoding in _GZIP else None
    body = bytearray()
    try:
        await _read_into(body, pieces, inflate, longest_bytes)
        return bytes(body)
    finally:
        # The traceback of an error keeps this frame, until the garbage collector comes along.
        body.clear()


async def _read_into(
    body: bytearray,
    pieces: AsyncIterator[bytes],
    inflate: zlib._Decompress | None,
    longest_bytes: int,
) -> None:
    received_bytes = number = 0
    async for piece in pieces:
        received_bytes += len(piece)
        try:
            body += inflate.decompress(piece, longest_bytes - len(body) + 1) if inflate else piece
        except zlib.error as error:
            raise UnreadableBody(_MISNAMED) from error
        # Servers send one member.
        if inflate and inflate.unused_data:
            raise UnreadableBody(_MISNAMED)
        # Compressed, nothing at all can take any number of bytes.
        if max(len(body), received_bytes) > longest_bytes:
            raise BodyTooLarge(f"the body is larger than {_binary(longest_bytes)}")
        number += 1
        if number % _PIECES_WITHOUT_A_BREAK == 0:
            await asyncio.sleep(0)
    if inflate and not inflate.eof:
        raise NetworkFailed("the compressed body was cut off before its end")


def _binary(size_bytes: int) -> str:
    return f"{size_bytes >> 20} MiB" if size_bytes >> 20 else f"{size_bytes >> 10} KiB"
