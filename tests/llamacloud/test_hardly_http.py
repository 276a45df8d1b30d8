"""Servers that hardly speak HTTP: headers, chunks and interim answers that are wrong or endless."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import repeat

import pytest

from exporter.llamacloud.errors import (
    LlamaCloudError,
    NetworkFailed,
    RequestTimedOut,
    UnreadableBody,
)
from exporter.llamacloud.requests import RetryPolicy
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from tests.support.clients import client_of
from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

# What an answer may cost, however slow the machine is.
LONGEST_SECONDS = 10.0


@asynccontextmanager
async def speaking(*first: bytes, then: bytes = b"") -> AsyncIterator[str]:
    """Serve a server that says the same to everybody, the last part of it for ever."""
    connected: set[asyncio.Task[None]] = set()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connected.add(task)
        await reader.readuntil(b"\r\n\r\n")
        try:
            for piece in _pieces(first, then):
                writer.write(piece)
                await writer.drain()
            await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        # The client has left, and so do they.
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*connected)


def _pieces(first: tuple[bytes, ...], then: bytes) -> Iterator[bytes]:
    yield from first
    if then:
        yield from repeat(then)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("first", "then", "error"),
    [
        (OK, b"x-more: " + b"x" * 1000 + b"\r\n", NetworkFailed),
        (OK + b"x-long: ", b"x" * 1000, NetworkFailed),
        (b"", b"x" * 1000, NetworkFailed),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, NetworkFailed),
        (OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", b"", NetworkFailed),
        (OK + b"Content-Length: -1\r\n\r\n", b"", NetworkFailed),
        (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"", NetworkFailed),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n", b"", NetworkFailed),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n", b"", NetworkFailed),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 200, NetworkFailed),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000, RequestTimedOut),
        (OK + b"\r\n", b"x" * 100_000, UnreadableBody),
        (b"ICY 200 OK\r\n\r\n", b"", NetworkFailed),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", b"x" * 1000, LlamaCloudError),
    ],
    ids=range(14),
)
async def test_what_is_hardly_http_is_a_typed_error(
    first: bytes, then: bytes, error: type[LlamaCloudError]
) -> None:
    """Headers, interim answers, chunks and trailers without end included."""
    async with speaking(first, then=then) as base_url:
        began = time.monotonic()
        with pytest.raises(error) as raised:
            await request_at(base_url, timeout_seconds=0.5 if error is RequestTimedOut else 8.0)
        assert time.monotonic() - began < LONGEST_SECONDS
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) <= 310


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
EMPTY = OK + b"Content-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    "pieces",
    [
        [INTERIM * 3 + EMPTY],
        [INTERIM] * 10 + [EMPTY],
        [(INTERIM * 10 + EMPTY)[n : n + 1] for n in range(len(INTERIM * 10 + EMPTY))],
        [OK + b"Content-Length: 1001\r\n\r\n" + b"\nHTTP/1.1 100 \n" * 66 + b"x" * 77],
    ],
    ids=["together", "apart", "by the byte", "in a body"],
)
async def test_a_few_interim_answers_change_nothing(pieces: list[bytes]) -> None:
    """Servers that say "103 Early Hints" exist; and a body may say anything."""
    async with speaking(*pieces) as base_url:
        await request_at(base_url, timeout_seconds=8.0)


@pytest.mark.parametrize("size", [1, 7, 13, 1000])
async def test_endless_interim_answers_are_cut_off_after_a_few(size: int) -> None:
    """However they are cut into pieces: each costs as much as an answer."""
    stream = INTERIM * 1000
    pieces = [stream[n : n + size] for n in range(0, len(INTERIM) * 12, size)]
    async with speaking(*pieces, then=stream) as base_url:
        began = time.process_time()
        with pytest.raises(NetworkFailed, match="more than 10 interim answers"):
            await request_at(base_url, timeout_seconds=8.0)
        assert time.process_time() - began < 1.0


async def request_at(base_url: str, *, timeout_seconds: float) -> None:
    nowhere = Cloud(None, base_url)  # type: ignore[arg-type]
    async with client_of(
        nowhere, timeout_seconds=timeout_seconds, retry=RetryPolicy(attempts=1)
    ) as client:
        await client.get(V1BetaEndpoint.LIST_JOBS, "/", {})
