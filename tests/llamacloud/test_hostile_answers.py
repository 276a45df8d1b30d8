"""Answers that mean harm, over a real socket: a typed error, in bounded time and memory."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import repeat

import pytest
from asking import Observer, client_of
from cloud import Cloud

from exporter.llamacloud.client import Endpoint, RetryPolicy
from exporter.llamacloud.errors import (
    BadResponse,
    Forbidden,
    LlamaCloudError,
    NetworkFailed,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
    Unauthorized,
    UnreadableBody,
)
from exporter.llamacloud.v1beta import BatchProcessing
from exporter.simulator import Fault
from exporter.simulator.faults import FaultKind

pytestmark = pytest.mark.anyio

MIB = 2**20
EMPTY = b'{"items": []}'
TWICE = gzip.compress(gzip.compress(EMPTY))
UTF_16 = "application/json; charset=utf-16"
DEEP = b'{"items": ' * 10_000
# What an answer may cost, however slow the machine is.
LONGEST_SECONDS = 10.0


def raw(body: bytes, *, code: int = 200, **headers: str) -> Fault:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault("raw", code=code, body=body, headers=sent)


async def ask(
    cloud: Cloud, fault: Fault, *, timeout_seconds: float = LONGEST_SECONDS
) -> tuple[LlamaCloudError, Observer]:
    """Return the error of a fault, and what was counted."""
    cloud.simulator.faults.add(fault)
    observer = Observer()
    began = time.monotonic()
    async with client_of(cloud, observer, timeout_seconds=timeout_seconds) as client:
        with pytest.raises(LlamaCloudError) as raised:
            await BatchProcessing(client).list_jobs(0, {})
    assert time.monotonic() - began < LONGEST_SECONDS
    assert len(str(raised.value)) <= 310
    assert str(raised.value).isprintable()
    return raised.value, observer


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault("endless"), UnreadableBody, "200"),
        (Fault("bomb"), UnreadableBody, "200"),
        (raw(EMPTY + b" " * 16 * MIB), UnreadableBody, "200"),
        (raw(gzip.compress(b" " * 17 * MIB), content_encoding="gzip"), UnreadableBody, "200"),
        (raw(EMPTY, content_encoding="gzip"), UnreadableBody, "200"),
        (raw(EMPTY, content_encoding="br"), UnreadableBody, "200"),
        (raw(TWICE, content_encoding="gzip, gzip"), UnreadableBody, "200"),
        (raw(gzip.compress(EMPTY)[:-9], content_encoding="gzip"), NetworkFailed, "network"),
        (raw(b""), BadResponse, "200"),
        (raw(b"[" * 16 * MIB), BadResponse, "200"),
        (raw(b'{"items":[' + b"{}," * 5 * MIB + b"{}]}"), BadResponse, "200"),
        (raw(DEEP), BadResponse, "200"),
        (raw("\N{BYTE ORDER MARK}{}".encode()), BadResponse, "200"),
        (raw(EMPTY.decode().encode("utf-16"), content_type=UTF_16), BadResponse, "200"),
        (raw(b"\x00" * 1000), BadResponse, "200"),
        (raw(EMPTY + EMPTY), BadResponse, "200"),
        (raw(EMPTY, code=204), LlamaCloudError, "204"),
        (raw(EMPTY, code=206), LlamaCloudError, "206"),
    ],
    ids=range(18),
)
async def test_a_hostile_body_is_a_typed_error(
    cloud: Cloud, fault: Fault, error: type[LlamaCloudError], code: str
) -> None:
    """By its reason, and counted by the status that came where one came with all of its answer."""
    raised, observer = await ask(cloud, fault)
    assert isinstance(raised, error)
    assert {("list_jobs", code)} == observer.finished.keys()


@pytest.mark.parametrize("content_type", ["text/html", "image/png", "", "x" * 10_000])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_an_answer_is_read_whatever_its_content_type(
    cloud: Cloud, content_type: str, encoding: str
) -> None:
    """JSON of the documented shape cannot be mistaken for anything else."""
    body = gzip.compress(EMPTY) if encoding == "gzip" else EMPTY
    headers = {"content-type": content_type, "content-encoding": encoding}
    cloud.simulator.faults.add(Fault("raw", body=body, headers=headers))
    async with client_of(cloud) as client:
        page = await BatchProcessing(client).list_jobs(0, {})
    assert [] == list(page.rows)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (429, RateLimited),
        (503, ServerFailed),
    ],
)
@pytest.mark.parametrize("kind", ["endless", "bomb", "drip", "cut_off"])
async def test_a_refusal_is_one_whatever_its_body_is(
    cloud: Cloud, kind: FaultKind, code: int, error: type[LlamaCloudError]
) -> None:
    """A bad key is a bad key also where the page that says so has no end."""
    fault = Fault(kind, code=code, retry_after=0)
    raised, observer = await ask(cloud, fault, timeout_seconds=0.3)
    assert (error, f"HTTP {code}") == (type(raised), str(raised))
    assert {("list_jobs", str(code))} == observer.finished.keys()


async def test_a_refusal_of_sixty_four_kibibytes_is_quoted(cloud: Cloud) -> None:
    """In part; a longer one is not read to its end, and is not quoted."""
    for size, told in ((64 * 1024, "HTTP 400: " + "x" * 300), (64 * 1024 + 1, "HTTP 400")):
        body = b'{"detail":"' + b"x" * (size - 13) + b'"}'
        assert len(body) == size
        cloud.simulator.faults.clear()
        error, _ = await ask(cloud, raw(body, code=400))
        assert told == str(error)


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
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, RequestTimedOut),
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
            await ask_at(base_url, timeout_seconds=0.5 if error is RequestTimedOut else 8.0)
        assert time.monotonic() - began < LONGEST_SECONDS
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) <= 310


async def ask_at(base_url: str, *, timeout_seconds: float) -> None:
    nowhere = Cloud(None, base_url)  # type: ignore[arg-type]
    async with client_of(
        nowhere, timeout_seconds=timeout_seconds, retry=RetryPolicy(attempts=1)
    ) as client:
        await client.get(Endpoint.LIST_JOBS, "/", {})
