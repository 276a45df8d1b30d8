"""Bodies are read as they were before they were compressed, within a bound."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.llamacloud.bodies import read_body
from exporter.llamacloud.errors import BodyTooLarge, NetworkFailed, UnreadableBody
from tests.support.properties import UNHURRIED

KIBIBYTE = 1024
# An empty stored block: five bytes that say nothing, as often as one likes.
NOTHING = b"\x00\x00\x00\xff\xff"
GZIP_HEADER = gzip.compress(b"")[:10]


@dataclass
class Pieces:
    """The pieces of a body, and how many of them were read."""

    pieces: Iterable[bytes]
    taken: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield one piece after another."""
        for piece in self.pieces:
            self.taken += 1
            yield piece


def read(pieces: Pieces, encoding: str = "", longest_bytes: int = KIBIBYTE) -> bytes:
    async def reading() -> bytes:
        return await read_body(aiter(pieces), encoding, longest_bytes)

    return asyncio.run(reading())


def cut(body: bytes, size: int) -> Pieces:
    return Pieces([body[at : at + size] for at in range(0, len(body), size)])


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
@UNHURRIED
@given(body=st.binary(max_size=KIBIBYTE), size=st.integers(1, 100), level=st.integers(0, 9))
def test_gzip_is_taken_off_wherever_it_was_cut(
    encoding: str, body: bytes, size: int, level: int
) -> None:
    """Byte by byte too."""
    assert body == read(cut(gzip.compress(body, level), size), encoding, 2 * KIBIBYTE)


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_what_is_not_compressed_is_read_as_it_is(encoding: str) -> None:
    """Also where the server says so."""
    assert b"x" * KIBIBYTE == read(cut(b"x" * KIBIBYTE, 100), encoding)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_the_longest_body_is_read_and_one_byte_more_is_not(encoding: str) -> None:
    """Also if it is compressed to a few bytes."""

    def sent(size: int) -> Pieces:
        body = b"x" * size
        return Pieces([gzip.compress(body) if encoding else body])

    assert KIBIBYTE == len(read(sent(KIBIBYTE), encoding))
    with pytest.raises(BodyTooLarge, match=r"^the body is larger than 1 KiB$"):
        read(sent(KIBIBYTE + 1), encoding)


def test_nothing_is_taken_after_the_bound() -> None:
    """A body without end is left where it became too long."""
    endless = Pieces(repeat(b"x" * 100))
    with pytest.raises(BodyTooLarge, match=r"^the body is larger than 16 MiB$"):
        read(endless, longest_bytes=16 * 2**20)
    assert 16 * 2**20 // 100 + 1 == endless.taken


@pytest.mark.parametrize(
    "pieces",
    [(GZIP_HEADER, repeat(NOTHING)), (b"\x1f\x8b\x08\x08" + bytes(6), repeat(b"a file's name"))],
    ids=["empty blocks", "a name"],
)
def test_nothing_that_takes_no_end_of_bytes_is_too_long(
    pieces: tuple[bytes, Iterable[bytes]],
) -> None:
    """Though it never becomes a body."""
    first, rest = pieces

    def sent() -> Iterable[bytes]:
        yield first
        yield from rest

    endless = Pieces(sent())
    with pytest.raises(BodyTooLarge, match="larger"):
        read(endless, "gzip")
    assert endless.taken < 1000


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        zlib.compress(b"{}"),
        gzip.compress(b"{}") + b"\x00",
        gzip.compress(b"{}") * 2,
        gzip.compress(b"{}")[:-8] + bytes(8),
    ],
    ids=["plain", "deflate", "trailing", "twice", "checksum"],
)
@pytest.mark.parametrize("size", [1, KIBIBYTE])
def test_what_is_not_one_whole_gzip_is_reported(body: bytes, size: int) -> None:
    """Where it was cut makes no difference."""
    with pytest.raises(UnreadableBody, match=r"^the body is not what its Content-Encoding says$"):
        read(cut(body, size), "gzip")


@pytest.mark.parametrize("length", [0, 5, 15, -1])
def test_a_compressed_body_without_its_end_was_cut_off(length: int) -> None:
    """Which may be otherwise the next time."""
    with pytest.raises(NetworkFailed, match="cut off"):
        read(Pieces([gzip.compress(b"an answer")[:length]]), "gzip")


@pytest.mark.parametrize(
    "encoding", ["br", "deflate", "zstd", "gzip, gzip", "gzip,", "*", "x" * 99]
)
def test_another_encoding_is_not_read(encoding: str) -> None:
    """Its body is not read: each encoding would need a bound of its own."""
    pieces = Pieces([b"{}"])
    with pytest.raises(UnreadableBody, match="another Content-Encoding than gzip"):
        read(pieces, encoding)
    assert 0 == pieces.taken


async def _turns_of_others_while(reading: asyncio.Task[bytes]) -> int:
    turns = 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    return turns


@pytest.mark.anyio
async def test_a_body_in_small_pieces_lets_others_have_their_turn() -> None:
    """Even if each piece is available at once."""
    pieces = aiter(Pieces(repeat(b"x", 100_000)))
    reading = asyncio.create_task(read_body(pieces, "", 100_000))
    assert 100 < await _turns_of_others_while(reading)
    assert b"x" * 100_000 == reading.result()
