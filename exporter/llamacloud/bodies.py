"""Reading the body of an answer with a bound on its size, before and after decompression."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from exporter.llamacloud.errors import BodyTooLarge, NetworkFailed, UnreadableBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# A page of 1000 rows has half a megabyte: this leaves 16 kB for the error message of each row.
LONGEST_ANSWER_BYTES: Final = 16 * 2**20
# LlamaCloud explains a refusal in a line or two. A longer page is that of a gateway.
LONGEST_REFUSAL_BYTES: Final = 64 * 2**10
# The only supported encoding: each further one would need bounds of its own.
ACCEPTED_ENCODING: Final = "gzip"

_IDENTITY = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_MISNAMED = "the body is not what its Content-Encoding says"
# A body in pieces of one byte each would block the loop for tenths of a second.
_PIECES_WITHOUT_A_BREAK = 256


async def read_body(
    pieces: AsyncIterator[bytes], content_encoding: str, longest_bytes: int
) -> bytes:
    """Read and decode a body; the caller closes ``pieces`` if this raises.

    Raises:
        BodyTooLarge: the body is longer than ``longest_bytes``.
        UnreadableBody: the body is not what ``content_encoding`` says.
        NetworkFailed: the body is compressed, and its end is missing.
    """
    encoding = content_encoding.strip().lower()
    if encoding not in _IDENTITY | _GZIP:
        raise UnreadableBody(
            "the body has another Content-Encoding than gzip, the only one that was requested"
        )
    inflate = zlib.decompressobj(_GZIP_WINDOW) if encoding in _GZIP else None
    body = bytearray()
    try:
        await _read_into(body, pieces, inflate, longest_bytes)
        return bytes(body)
    finally:
        # The traceback of an error keeps this frame until it is garbage-collected.
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
        # Servers send a single gzip member.
        if inflate and inflate.unused_data:
            raise UnreadableBody(_MISNAMED)
        # Compressed data of any length can hold no data at all.
        if max(len(body), received_bytes) > longest_bytes:
            raise BodyTooLarge(f"the body is larger than {_binary(longest_bytes)}")
        number += 1
        if number % _PIECES_WITHOUT_A_BREAK == 0:
            await asyncio.sleep(0)
    if inflate and not inflate.eof:
        raise NetworkFailed("the compressed body was cut off before its end")


def _binary(size_bytes: int) -> str:
    return f"{size_bytes >> 20} MiB" if size_bytes >> 20 else f"{size_bytes >> 10} KiB"
