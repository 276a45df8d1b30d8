"""Connections to LlamaCloud: kept between polls, and reported with the cause if they fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from exporter.domain import ErrorReason
from exporter.llamacloud.errors import ConnectTimedOut, NetworkFailed
from exporter.llamacloud.requests import RetryPolicy
from exporter.llamacloud.v1beta.reader import Reader
from tests.support.clients import Observer, client_of
from tests.support.cloud import Cloud
from tests.support.unreachable import address_that_takes_no_connection

pytestmark = pytest.mark.anyio

EMPTY_PAGE = b'{"items": [], "next_page_token": null, "total_size": 0}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(EMPTY_PAGE),
    EMPTY_PAGE,
)
# What HTTP libraries usually keep connections for.
USUALLY_KEPT_FOR_SECONDS = 5.0


@dataclass
class Server:
    """Answers on each connection so often, and closes it at the next request."""

    answers_on_one: int
    requests_on: list[int] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    base_url: str = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        number = len(self.requests_on)
        self.requests_on.append(0)
        self.writers.append(writer)
        while await head(reader):
            self.requests_on[number] += 1
            if self.requests_on[number] > self.answers_on_one:
                break
            writer.write(ANSWER)
        writer.close()


async def head(reader: asyncio.StreamReader) -> bytes:
    """Read the head of a request, nothing where there is none any more."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def serving(answers_on_one: int) -> AsyncIterator[Server]:
    server = Server(answers_on_one)
    async with await asyncio.start_server(server.connected, "127.0.0.1", 0) as listening:
        server.base_url = "http://{}:{}".format(*listening.sockets[0].getsockname())
        yield server


@pytest.mark.slow
async def test_a_connection_is_kept_from_one_poll_to_the_next(cloud: Cloud) -> None:
    """A poll need not resolve names and shake hands again."""
    async with (
        serving(answers_on_one=9) as server,
        client_of(cloud, base_url=server.base_url) as client,
    ):
        await Reader(client, {}).jobs_page(0, {})
        await asyncio.sleep(USUALLY_KEPT_FOR_SECONDS + 0.5)
        await Reader(client, {}).jobs_page(0, {})
    assert [2] == server.requests_on


async def test_a_connection_that_was_closed_meanwhile_is_not_used_again(cloud: Cloud) -> None:
    """That is no failure."""
    observer = Observer()
    async with (
        serving(answers_on_one=9) as server,
        client_of(cloud, observer, base_url=server.base_url) as client,
    ):
        for _ in range(2):
            await Reader(client, {}).jobs_page(0, {})
            server.writers[-1].close()
            await server.writers[-1].wait_closed()
    assert [1, 1] == server.requests_on
    assert {("list_jobs", "200"): 2} == observer.finished


async def test_a_connection_that_is_closed_just_then_is_survived(cloud: Cloud) -> None:
    """The request is sent again, on another."""
    observer = Observer()
    async with (
        serving(answers_on_one=1) as server,
        client_of(cloud, observer, base_url=server.base_url) as client,
    ):
        for _ in range(2):
            page = await Reader(client, {}).jobs_page(0, {})
            assert [] == list(page.rows)
    assert [2, 1] == server.requests_on
    assert {("list_jobs", "200"): 2, ("list_jobs", "network"): 1} == observer.finished
    assert 1 == observer.retried["list_jobs"]


@pytest.mark.parametrize(
    ("timeout_seconds", "reported"),
    [(1.0, "0.5"), pytest.param(30.0, "10", marks=pytest.mark.slow)],
)
async def test_no_connection_in_time_is_reported_as_such(
    cloud: Cloud, timeout_seconds: float, reported: str
) -> None:
    """The advice names the network, as more time for answers would not help."""
    observer = Observer()
    with address_that_takes_no_connection() as nowhere:
        async with client_of(
            cloud,
            observer,
            base_url=nowhere,
            timeout_seconds=timeout_seconds,
            retry=RetryPolicy(attempts=1),
        ) as client:
            with pytest.raises(ConnectTimedOut) as raised:
                await Reader(client, {}).jobs_page(0, {})
    where = nowhere.removeprefix("http://")
    assert f"no connection to {where} within {reported} s" == str(raised.value)
    assert (ErrorReason.TIMEOUT, NetworkFailed.advice) == (raised.value.reason, raised.value.advice)
    assert {("list_jobs", "timeout"): 1} == observer.finished
