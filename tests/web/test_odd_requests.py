"""What is no usual request gets a right answer or a closed connection, and no word in the log."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.cloud import KEY, running_cloud
from tests.support.exporter_process import Exporter, running
from tests.support.log_reading import lines_of
from tests.support.raw_http import HEALTHY, connect, exchange, read_to_end

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"
EXPECTED_EVENTS = {"exporter.listening", "exporter.first_poll_ended", "project.listed"}


@pytest.fixture(scope="module")
def running_exporter() -> Iterator[Exporter]:
    """Run the exporter once for all: nothing that is sent here may harm it."""
    with (
        running_cloud() as cloud,
        running(LLAMA_CLOUD_API_KEY=KEY, LLAMA_CLOUD_BASE_URL=cloud.base_url) as exporter,
    ):
        yield exporter


@pytest.fixture
def address(running_exporter: Exporter) -> Iterator[str]:
    """Give the exporter's address; afterwards it is well, and has logged nothing of the test."""
    listening = running_exporter.events("exporter.listening")[0]["open_in_browser"]
    yield urlsplit(listening).netloc
    assert (200, "ok\n") == running_exporter.get("/-/healthy")
    lines = lines_of(running_exporter.log_file)
    assert {json.loads(line)["event"] for line in lines} <= EXPECTED_EVENTS


def statuses_in(answers: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answers)]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://localhost:9910/metrics", 200),
        ("HTTP://else.where/-/healthy?x=/", 200),
        ("https://user@[::1]/-/healthy", 200),
        ("http://host", 200),
        ("http://host?query", 200),
        ("http:///metrics", 404),
        ("ftp://host/metrics", 404),
        ("//metrics", 404),
        ("/metrics/", 404),
        ("/metrics?name[]=x", 200),
        ("/metrics#fragment", 404),
        ("/%6detrics", 200),
        ("/metrics%0A", 404),
        ("/metrics%00", 404),
        ("/%2e%2e/metrics", 404),
        ("/../metrics", 404),
        ("/-/../metrics", 404),
        ("/%ff%fe", 404),
        ("/%", 404),
        ("metrics", 404),
        ("*", 404),
        ("/" + 60_000 * "a", 404),
        ("/metrics\x00", 400),
        ("/met rics", 400),
        ("/m\xe9trics", 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_odd_targets(address: str, target: str, status: int) -> None:
    """An absolute URL stands for its path, a path for itself alone."""
    answer = exchange(address, b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\n" + CLOSE)

    assert [status] == statuses_in(answer)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("OPTIONS * HTTP/1.1", 204),
        ("OPTIONS / HTTP/1.0", 204),
        ("CONNECT localhost:443 HTTP/1.1", 405),
        ("TRACE /metrics HTTP/1.1", 405),
        ("get /metrics HTTP/1.1", 405),
        ("PROPFIND /metrics HTTP/1.1", 405),
        ("SURPRISE! / HTTP/1.1", 405),
        ("POST http://x/metrics HTTP/1.1", 405),
        ("G@T /metrics HTTP/1.1", 400),
        (" GET /metrics HTTP/1.1", 400),
        ("GET /metrics", 400),
        ("GET /metrics HTTP/1.1.1", 400),
        ("GET /metrics HTTPS/1.1", 400),
    ],
)
def test_odd_request_lines(address: str, request_line: str, status: int) -> None:
    """Only GET, HEAD and OPTIONS are answered, and a client may learn so."""
    answer = exchange(address, request_line.encode() + b"\r\n" + CLOSE)

    assert [status] == statuses_in(answer)
    assert (status in {204, 405}) == (b"\r\nallow: GET, HEAD, OPTIONS\r\n" in answer)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"", 400),
        (b"Host: x\r\nHost: y\r\n", 400),
        (b"Host: x\r\n folded: y\r\nConnection: close\r\n", 200),
        (b"Host: x\r\nno colon\r\n", 400),
        (b"Host: x\r\nNul: \x00\r\n", 400),
        (b"Host: x\r\nContent-Length: -1\r\n", 400),
        (b"Host: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        (b"Host: x\r\nTransfer-Encoding: rot13\r\n", 501),
        (b"Host: x\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n", 200),
        (b"Host: x\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n", 200),
        (b"Host: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n", 200),
        (b"Host: x\r\nAccept: " + 3000 * b"*/*;q=0.1," + b"\r\nConnection: close\r\n", 200),
    ],
    ids=lambda value: str(value)[:40],
)
def test_odd_headers(address: str, headers: bytes, status: int) -> None:
    """What HTTP allows is answered, what it forbids is refused."""
    answer = exchange(address, b"GET /metrics HTTP/1.1\r\n" + headers + b"\r\n")

    assert [status] == statuses_in(answer)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /metrics HTTP/1.1\r\n" + b"H: x\r\n" * 200_000,
        b"GET /metrics HTTP/1.1\r\nLong: " + 2_000_000 * b"x",
        b"GET /" + 2_000_000 * b"x",
    ],
    ids=["many", "one", "path"],
)
def test_an_endless_head_is_refused(address: str, head: bytes) -> None:
    """And the client has the time to see why."""
    answer = exchange(address, head)

    assert [431] == statuses_in(answer)
    assert answer.endswith(b"\r\n\r\nRequest Header Fields Too Large\n")


@pytest.mark.parametrize(
    "garbage",
    [
        bytes.fromhex("16030100f1010000ed0303") + 200 * b"\x5a",
        b"\x00" * 1000,
        b"\xff\xfe" * 1000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\n\n",
    ],
    ids=["tls", "nul", "ff", "ssh", "http2", "text"],
)
def test_garbage_is_refused(address: str, garbage: bytes) -> None:
    """Whatever speaks on the port."""
    assert 400 == statuses_in(exchange(address, garbage))[-1]


@pytest.mark.parametrize("body", [b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\nZZZ\r\n\r\n"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_body_is_not_waited_for(address: str, method: bytes, body: bytes) -> None:
    """A request is answered by its head, whether or not what follows is well formed."""
    head = method + b" /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connect(address, head) as connection:
        assert connection.recv(9, socket.MSG_WAITALL) == b"HTTP/1.1 "
        connection.sendall(body + b"GET / HTTP/1.1\r\n" + CLOSE)
        rest = b"HTTP/1.1 " + read_to_end(connection)

    first = 200 if method == b"GET" else 405
    assert [first, *([] if b"ZZZ" in body else [200])] == statuses_in(rest)


@pytest.mark.parametrize("before", [b"", HEALTHY], ids=["first", "second"])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\nCONTENT-LENGTH: 0\r\n",
    ],
    ids=["cl-te", "te-cl"],
)
def test_a_request_with_two_lengths_is_refused(
    address: str, lengths: bytes, version: bytes, before: bytes
) -> None:
    """And the connection closed: what follows may be a body to one and a request to another."""
    head = b"POST /metrics HTTP/" + version + b"\r\nHost: x\r\n" + lengths + b"\r\n"
    answer = exchange(address, before + head + b"0\r\n\r\n" + HEALTHY)

    assert [*([200] if before else []), 400] == statuses_in(answer)
    assert b"\r\nConnection: close\r\n" in answer


def test_a_client_that_sends_more_than_it_said_is_answered(address: str) -> None:
    """Some end a request with a line break too many."""
    with connect(address, b"GET /-/healthy HTTP/1.0\r\n\r\n") as connection:
        connection.sendall(b"\r\n")
        assert read_to_end(connection).endswith(b"\r\n\r\nok\n")


def test_pipelined_requests_are_answered_in_turn(address: str) -> None:
    """Up to the first that is none."""
    sent = 50 * (HEALTHY + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n") + b"nonsense\r\n\r\n"

    assert [*(50 * [200, 404]), 400] == statuses_in(exchange(address, sent))


def test_a_client_that_ended_its_side_is_answered(address: str) -> None:
    """As `nc -N` does; also to more than one request."""
    with connect(address, HEALTHY + HEALTHY) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert [200, 200] == statuses_in(read_to_end(connection))


def test_a_client_that_ends_its_side_in_a_request_is_left(address: str) -> None:
    """There is nothing to answer."""
    with connect(address, HEALTHY[:-2]) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert b"" == read_to_end(connection)
