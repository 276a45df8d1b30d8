"""Gzip members whose beginning is compressed once, and whose end differs each time (RFC 1952)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.exposition.chunks import Chunk

# The cheapest level already makes a twentieth of a long exposition.
_COMPRESSION_LEVEL = 1
# No name, no time, the fastest compression, an unknown system.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
_UINT32 = 2**32


def deflate(lines: bytes, ending: int) -> bytes:
    """Compress to raw deflate; ``ending`` is how zlib is to flush it."""
    compressor = zlib.compressobj(_COMPRESSION_LEVEL, wbits=-zlib.MAX_WBITS)
    return compressor.compress(lines) + compressor.flush(ending)


@dataclass(frozen=True, slots=True)
class OpenMember:
    """The beginning of a gzip member that goes on; ``crc`` and ``size`` are of what it holds."""

    head: bytes
    crc: int
    size: int

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> OpenMember:
        """Join what the chunks compressed: each keeps it, for the members that come later."""
        crc = 0
        for chunk in chunks:
            crc = zlib.crc32(chunk.lines, crc)
        head = b"".join([_HEADER, *(chunk.deflated for chunk in chunks)])
        return cls(head, crc, sum(len(chunk.lines) for chunk in chunks))

    def followed_by(self, tail: bytes) -> tuple[bytes, bytes]:
        """Return the member, which ends with ``tail``, in two pieces; the first is ``head``."""
        # Clients read one member, while several of them in a row break some.
        end = deflate(tail, zlib.Z_FINISH)
        crc, size = zlib.crc32(tail, self.crc), (self.size + len(tail)) % _UINT32
        return self.head, end + crc.to_bytes(4, "little") + size.to_bytes(4, "little")
