"""Slow readers while there is always something newer: what they keep in memory is bounded."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.exposition import Form
from exporter.server import Limits
from tests.support.raw_http import SCRAPE, connect, read_to_end
from tests.support.serving import OWN, Exporter, request, served, wait_until
from tests.support.views import empty_view, full_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.domain import JobView

CLOSING = SCRAPE.replace(b"Host: x", b"Host: x\r\nConnection: close")
# All of them are slower than the time that answers usually get.
PATIENT = Limits(answer_seconds=60.0)
MOST_BEING_READ = 4


@pytest.fixture
def exporter() -> Exporter:
    """Hold the state behind the exposition."""
    return Exporter()


@pytest.fixture(scope="module")
def jobs() -> tuple[JobView, ...]:
    """Make an exposition of more than all buffers between the exporter and a client hold.

    Linux lets a sender's buffer grow to 4 MiB, and it depends on the load whether it does.
    """
    return tuple(full_job(f"job-{n}") for n in range(2_500))


@pytest.fixture
def slow() -> Iterator[ExitStack]:
    """Close the connections at the end."""
    with ExitStack() as connections:
        yield connections


def begin_reading(
    exporter: Exporter, address: str, jobs: tuple[JobView, ...], generation: int, slow: ExitStack
) -> socket.socket:
    """Publish another view, and begin to read."""
    exporter.snapshot.replace(replace(empty_view(number=generation), jobs=jobs))
    reader = slow.enter_context(connect(address, CLOSING, reads_little=True))
    assert b"HTTP/1.1 200 OK\r\n" == reader.recv(17)
    return reader


def test_slow_readers_hold_few_different_expositions(
    exporter: Exporter, jobs: tuple[JobView, ...], slow: ExitStack
) -> None:
    """And are not cut for it: each gets all of what it began to read."""
    with served(exporter, PATIENT, clock=lambda: 0.0) as address:
        readers = [begin_reading(exporter, address, jobs, n, slow) for n in range(2, 14)]
        bodies = [read_to_end(reader) for reader in readers]
        assert [True] * len(readers) == [body.endswith(OWN[Form.TEXT]) for body in bodies]
        assert MOST_BEING_READ == len({scraped["default"] for scraped in exporter.scraped})
        request(address, "/metrics")

    assert len(readers) + 1 == len(exporter.scraped)
    assert {"default": 13} == exporter.scraped[-1]


def test_clients_that_reset_in_the_middle_leave_no_line_in_the_log(
    exporter: Exporter,
    jobs: tuple[JobView, ...],
    slow: ExitStack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However many do: clients must not be able to fill a disk with log lines."""
    reset = struct.pack("ii", 1, 0)
    with served(exporter, PATIENT) as address:
        for number in range(2, 32):
            reader = begin_reading(exporter, address, jobs, number, slow)
            reader.recv(200_000)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            reader.close()
        wait_until(lambda: exporter.requests_ended["/metrics"] == 30)

    assert [] == [record.getMessage() for record in caplog.records]


def test_who_reads_for_too_long_is_cut_for_something_new(
    exporter: Exporter, jobs: tuple[JobView, ...], slow: ExitStack
) -> None:
    """It has not scraped; those who began later have."""
    now = [0.0]
    with served(exporter, PATIENT, clock=lambda: now[0]) as address:
        readers = []
        for generation in range(2, 2 + MOST_BEING_READ):
            readers.append(begin_reading(exporter, address, jobs, generation, slow))
            now[0] += 5.0
        readers.append(begin_reading(exporter, address, jobs, 99, slow))
        complete = [read_to_end(reader).endswith(OWN[Form.TEXT]) for reader in readers]

    assert [False, True, True, True, True] == complete
    assert [3, 4, 5, 99] == sorted(scraped["default"] for scraped in exporter.scraped)
