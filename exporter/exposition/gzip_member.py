"""Gzip members (RFC 1952) with a beginning that is compressed once, and a new end each time."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.exposition.chunks import Chunk

# The fastest level already compresses a long exposition to a twentieth.
_COMPRESSION_LEVEL = 1
# The header of a member: no name, no time, the fastest compression, an unknown system.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
_UINT32 = 2**32


def deflate(lines: bytes, ending: int) -> bytes:
    """Compress to raw deflate; ``ending`` is the flush mode of zlib."""
    compressor = zlib.compressobj(_COMPRESSION_LEVEL, wbits=-zlib.MAX_WBITS)
    return compressor.compress(lines) + compressor.flush(ending)


@dataclass(frozen=True, slots=True)
class OpenMember:
    """The beginning of a gzip member; ``crc`` and ``size`` are of its uncompressed content."""

    head: bytes
    crc: int
    size: int

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> OpenMember:
        """Join the compressed chunks; each chunk keeps its compressed form for later members."""
        crc = 0
        for chunk in chunks:
            crc = zlib.crc32(chunk.lines, crc)
        head = b"".join([_HEADER, *(chunk.deflated for chunk in chunks)])
        return cls(head, crc, sum(len(chunk.lines) for chunk in chunks))

    def followed_by(self, tail: bytes) -> tuple[bytes, bytes]:
        """Return the member with ``tail`` at its end, in two pieces; the first is ``head``."""
        # Some clients fail if several members follow each other.
        end = deflate(tail, zlib.Z_FINISH)
        crc, size = zlib.crc32(tail, self.crc), (self.size + len(tail)) % _UINT32
        return self.head, end + crc.to_bytes(4, "little") + size.to_bytes(4, "little")
