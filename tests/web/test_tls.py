"""The server over TLS: the same bounds as without it, from the first byte of the handshake."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.exposition import Form
from exporter.server import Limits
from tests.support.broken_tls import certificate
from tests.support.raw_http import HEALTHY, SCRAPE, connect, read_to_end
from tests.support.serving import DEADLINE_SECONDS, OWN, Exporter, served, wait_until
from tests.support.views import empty_view, full_job

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPATIENT = Limits(head_seconds=0.3, answer_seconds=0.5, idle_seconds=5)
# More than all buffers between the exporter and a client hold.
MANY_JOBS = 3_000
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class FixedTls:
    """TLS that never changes."""

    context: ssl.SSLContext
    admits_all: bool = True

    def get(self) -> FixedTls:
        """Return what holds for each connection."""
        return self

    def admits(self, certificate: dict[str, Any] | None) -> bool:
        """Admit every client, or none."""
        assert not certificate
        return self.admits_all


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> FixedTls:
    """Make a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path_factory.mktemp("tls")))
    return FixedTls(context)


@pytest.fixture
def exporter(caplog: pytest.LogCaptureFixture) -> Iterator[Exporter]:
    """Hold the state behind the exposition; no client makes the server log anything."""
    yield Exporter()
    # The exporter leaves out the warnings of clients that speak no HTTP.
    assert [] == [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.name != "uvicorn.error" or record.levelno >= logging.ERROR
    ]


def secured(address: str, sent: bytes = b"", *, reads_little: bool = False) -> ssl.SSLSocket:
    """Open a TLS connection, whatever the certificate, and send ``sent`` on it."""
    connection = unverifying().wrap_socket(connect(address, reads_little=reads_little))
    connection.sendall(sent)
    return connection


def unverifying() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def serving_much(exporter: Exporter, limits: Limits, tls: FixedTls) -> Iterator[str]:
    with served(exporter, limits, tls=tls.get) as address:
        jobs = tuple(full_job(f"job-{n}") for n in range(MANY_JOBS))
        exporter.snapshot.replace(replace(empty_view(number=2), jobs=jobs))
        yield address


def test_a_scrape_that_was_read_is_complete(exporter: Exporter, tls: FixedTls) -> None:
    """One whose client reset the connection in the middle is not."""
    with serving_much(exporter, Limits(), tls) as address:
        with secured(address, SCRAPE, reads_little=True) as leaving:
            leaving.recv(1000)
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        wait_until(lambda: exporter.requests_ended["/metrics"] == 1)
        assert [] == exporter.scraped
        closing = SCRAPE.replace(b"Host: x", b"Host: x\r\nConnection: close")
        with secured(address, closing) as reader:
            assert read_to_end(reader).endswith(OWN[Form.TEXT])
        wait_until(lambda: len(exporter.scraped) == 1)


@pytest.mark.parametrize(
    ("read_first", "resets"), [(0, False), (1, False), (1, True), (100_000, False), (100_000, True)]
)
def test_a_client_that_ends_its_side_is_no_error(
    exporter: Exporter, tls: FixedTls, read_first: int, *, resets: bool
) -> None:
    """Over TLS, asyncio has no half-close: the answer ends, and there is nothing to log."""
    with serving_much(exporter, Limits(), tls) as address:
        for _ in range(5):
            with secured(address, SCRAPE) as connection:
                left = read_first
                while left > 0:
                    left -= len(connection.recv(left))
                connection.settimeout(0)
                # It sends the end of its side, and does not find that of the other one yet.
                with suppress(ssl.SSLError):
                    connection.unwrap()
                wire = socket.socket(fileno=connection.detach())
            with wire:
                wire.settimeout(DEADLINE_SECONDS)
                while not resets and wire.recv(100_000):
                    pass
        wait_until(lambda: exporter.connections() == 0)
        wait_until(lambda: exporter.requests_ended["/metrics"] == 5)
    assert [] == exporter.scraped


def test_silent_handshakes_have_the_time_of_a_head(exporter: Exporter, tls: FixedTls) -> None:
    """Whether the client sends nothing, or part of a handshake."""
    with (
        served(exporter, IMPATIENT, tls=tls.get) as address,
        connect(address) as silent,
        connect(address, bytes.fromhex("16030100f1010000ed0303")) as partial,
    ):
        assert [b"", b""] == [read_to_end(silent), read_to_end(partial)]
        assert 0 == exporter.connections()


def test_handshakes_count_as_connections(exporter: Exporter, tls: FixedTls) -> None:
    """The longest-idle one is closed for a new client."""
    with (
        ExitStack() as opened,
        served(exporter, Limits(connections=3), tls=tls.get) as address,
    ):
        silent = [opened.enter_context(connect(address)) for _ in range(6)]
        assert [b"", b"", b""] == [read_to_end(connection) for connection in silent[:3]]
        with secured(address, HEALTHY) as served_client:
            assert served_client.recv(17) == b"HTTP/1.1 200 OK\r\n"
        assert exporter.connections() <= 3


@pytest.mark.parametrize(
    "garbage", [HEALTHY, b"\x00" * 1000, b"\x16\x03\x01\x00\x05hello" + 100 * b"x", b""]
)
def test_what_is_no_tls_is_closed(exporter: Exporter, tls: FixedTls, garbage: bytes) -> None:
    """Clients must not be able to fill a disk with log lines."""
    with served(exporter, tls=tls.get) as address, connect(address, garbage) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert b"HTTP" not in read_to_end(connection)
        wait_until(lambda: exporter.connections() == 0)


def test_an_answer_must_be_taken_in_time(exporter: Exporter, tls: FixedTls) -> None:
    """Its scrape does not count."""
    with (
        serving_much(exporter, IMPATIENT, tls) as address,
        secured(address, SCRAPE, reads_little=True),
    ):
        wait_until(lambda: exporter.requests_ended["/metrics"] == 1)
        wait_until(lambda: exporter.connections() == 0)
    assert [] == exporter.scraped


def test_an_endless_head_is_refused(exporter: Exporter, tls: FixedTls) -> None:
    """And the client has the time to see why."""
    with (
        served(exporter, tls=tls.get) as address,
        secured(address, b"GET / HTTP/1.1\r\n" + b"H: x\r\n" * 20_000) as connection,
    ):
        answer = connection.recv(1000)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_client_that_is_not_admitted_gets_no_answer(exporter: Exporter, tls: FixedTls) -> None:
    """Its request does nothing, even if it comes with the end of the handshake."""
    strict = replace(tls, admits_all=False)
    with served(exporter, tls=strict.get) as address:
        try:
            with secured(address, HEALTHY) as connection:
                assert b"" == read_to_end(connection)
        except OSError:
            pass  # The reset may come before the request is sent.
        wait_until(lambda: exporter.connections() == 0)
    assert not exporter.requests_ended


def test_stopping_does_not_wait_for_clients(exporter: Exporter, tls: FixedTls) -> None:
    """Idle, in the handshake, or reading slowly."""
    with serving_much(exporter, Limits(), tls) as address, ExitStack() as opened:
        idle = opened.enter_context(secured(address, HEALTHY))
        assert idle.recv(17) == b"HTTP/1.1 200 OK\r\n"
        opened.enter_context(connect(address))
        slow = opened.enter_context(secured(address, SCRAPE, reads_little=True))
        assert slow.recv(17) == b"HTTP/1.1 200 OK\r\n"
        began = time.monotonic()
        exporter.stop()
        wait_until(lambda: exporter.connections() == 0)
        assert time.monotonic() - began < 2
