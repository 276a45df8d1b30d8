"""How long a client is waited for, and who goes when there are too many."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.exposition import Form
from exporter.server import Limits
from tests.support.raw_http import HEALTHY, SCRAPE, connect, is_open, read_to_end
from tests.support.serving import OWN, Exporter, request, served, wait_until
from tests.support.views import empty_view, full_job

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPATIENT = Limits(head_seconds=0.3, answer_seconds=0.5, idle_seconds=5)
OK = b"\r\n\r\nok\n"
# Some megabytes: more than all buffers between the exporter and a client hold.
MANY_JOBS = 3_000


@pytest.fixture
def exporter() -> Exporter:
    """Hold the state behind the exposition."""
    return Exporter()


@contextmanager
def serving_much(exporter: Exporter, limits: Limits) -> Iterator[str]:
    with served(exporter, limits) as address:
        jobs = tuple(full_job(f"job-{n}") for n in range(MANY_JOBS))
        exporter.snapshot.replace(replace(empty_view(number=2), jobs=jobs))
        yield address


def read_answer(connection: socket.socket) -> bytes:
    """Read one answer that ends with OK."""
    received = b""
    while not received.endswith(OK):
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received


def takes(connection: socket.socket, sent: bytes) -> bool:
    """Return whether the other side still has the connection open."""
    try:
        connection.sendall(sent)
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize("sent", [b"", b"GET /-/hea", HEALTHY[:-2]])
def test_who_requests_nothing_is_left(exporter: Exporter, sent: bytes) -> None:
    """Or never comes to the end of it."""
    with served(exporter, IMPATIENT) as address, connect(address, sent) as connection:
        assert b"" == read_to_end(connection)


def test_a_request_that_drips_is_left(exporter: Exporter) -> None:
    """Each byte buys no time."""
    with served(exporter, IMPATIENT) as address, connect(address) as connection:
        wait_until(lambda: not takes(connection, b"x"))


def test_a_kept_connection_may_be_idle_for_longer(exporter: Exporter) -> None:
    """But its next request has no more time than the first."""
    with served(exporter, IMPATIENT) as address, connect(address, HEALTHY) as connection:
        read_answer(connection)
        time.sleep(2 * IMPATIENT.head_seconds)
        connection.sendall(HEALTHY)
        read_answer(connection)
        connection.sendall(HEALTHY[:-2])
        began = time.monotonic()
        assert b"" == read_to_end(connection)
        assert time.monotonic() - began < IMPATIENT.idle_seconds


def test_a_kept_connection_is_closed_when_it_was_idle_for_long(exporter: Exporter) -> None:
    """No client may need it any more."""
    limits = Limits(idle_seconds=1)
    with served(exporter, limits) as address, connect(address, HEALTHY) as connection:
        read_answer(connection)
        assert b"" == read_to_end(connection)


def test_a_body_that_never_ends_is_left(exporter: Exporter) -> None:
    """Its request was answered long before."""
    head = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    with served(exporter, IMPATIENT) as address, connect(address, head) as connection:
        read_answer(connection)
        wait_until(lambda: not takes(connection, 1000 * b"x"))


def test_who_does_not_read_the_answer_has_not_scraped(exporter: Exporter) -> None:
    """And gets no more of it than the buffers hold."""
    with (
        serving_much(exporter, IMPATIENT) as address,
        connect(address, SCRAPE, reads_little=True) as connection,
    ):
        wait_until(lambda: exporter.requests_ended["/metrics"] == 1)
        wait_until(lambda: exporter.connections() == 0)
        received = read_to_end(connection)

    assert (
        0
        < len(received)
        < 1_000_000
        < len(b"".join(exporter.snapshot.published().lines(Form.TEXT)))
    )
    assert exporter.scraped == []


def test_the_end_of_an_answer_must_be_taken_too(exporter: Exporter) -> None:
    """Wherever it waits: in the server, in the connection, or behind a close."""
    sizes = range(100_000, 1_000_001, 20_000)
    own = (size * b"#" for size in sizes)
    with (
        ExitStack() as slow,
        served(exporter, IMPATIENT, own_metrics=lambda _: next(own)) as address,
    ):
        for _ in sizes:
            slow.enter_context(
                connect(address, b"GET /metrics HTTP/1.0\r\n\r\n", reads_little=True)
            )
        wait_until(lambda: exporter.requests_ended["/metrics"] == len(sizes))
        wait_until(lambda: exporter.connections() == 0)


def test_who_ended_its_side_gets_all_but_has_not_scraped(exporter: Exporter) -> None:
    """It is unknown whether the client was still there."""
    with serving_much(exporter, Limits()) as address, connect(address, SCRAPE) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection).endswith(OWN[Form.TEXT])

    assert exporter.requests_ended["/metrics"] == 1
    assert exporter.scraped == []


def test_who_leaves_when_it_has_all_has_scraped(exporter: Exporter) -> None:
    """However soon it closes."""
    times = 50
    with serving_much(exporter, Limits()) as address:
        for _ in range(times):
            request(address, "/metrics")
        wait_until(lambda: exporter.requests_ended["/metrics"] == times)

    assert len(exporter.scraped) == times


def test_the_longest_idle_connection_is_closed_for_a_new_one(exporter: Exporter) -> None:
    """Whether idle from the start or since its last request."""
    with served(exporter, Limits(connections=3)) as address:
        first, second, third = (connect(address, HEALTHY) for _ in range(3))
        with first, second, third:
            for connection in (first, second, third):
                read_answer(connection)
            first.sendall(HEALTHY)
            read_answer(first)
            with connect(address, HEALTHY) as fourth:
                read_answer(fourth)

                assert b"" == read_to_end(second)
                assert [True, True] == [is_open(first), is_open(third)]


def test_the_longest_running_response_is_closed_if_none_is_idle(exporter: Exporter) -> None:
    """Its scrape does not count, those of the others do."""
    with serving_much(exporter, Limits(connections=3)) as address:
        slow = []
        for number in range(3):
            connection = connect(address, SCRAPE, reads_little=True)
            assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
            slow.append(connection)
            assert exporter.connections() == number + 1
        assert request(address, "/-/healthy").status == 200
        wait_until(lambda: exporter.requests_ended["/metrics"] == 1)
        assert exporter.scraped == []
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        complete = [read_to_end(connection).endswith(b"</html>\n") for connection in slow]
        for connection in slow:
            connection.close()

    assert complete == [False, True, True]
    assert len(exporter.scraped) == 2


def test_an_answer_under_way_is_not_cut_by_a_stop(exporter: Exporter) -> None:
    """While its reader takes it within the time that is left to it."""
    with (
        serving_much(exporter, Limits(leaving_seconds=20)) as address,
        connect(address, SCRAPE, reads_little=True) as reader,
        connect(address, HEALTHY) as idle,
    ):
        assert reader.recv(17) == b"HTTP/1.1 200 OK\r\n"
        read_answer(idle)
        exporter.stop()
        assert b"" == read_to_end(idle)
        assert read_to_end(reader).endswith(OWN[Form.TEXT])

    assert len(exporter.scraped) == 1
