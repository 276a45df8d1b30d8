"""What a scrape shows, and when it counts as one."""

import gzip
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.domain import ProjectView
from exporter.exposition import Form
from tests.support.serving import (
    DEADLINE_SECONDS,
    OWN,
    Answer,
    Exporter,
    request,
    served,
    wait_until,
)
from tests.support.views import empty_view, full_job, full_view

# Far more than the buffers of a server and a connection hold.
MANY_JOBS = 20_000


@pytest.fixture
def exporter() -> Exporter:
    """Hold the state behind the exposition."""
    return Exporter()


@pytest.fixture
def address(exporter: Exporter) -> Iterator[str]:
    """Serve the exposition."""
    with served(exporter) as address:
        yield address


def _large_view(number: int, jobs: int = MANY_JOBS) -> ProjectView:
    view = empty_view(number=number)
    return replace(view, jobs=tuple(full_job(f"{number}-{n}") for n in range(jobs)))


def _ended(exporter: Exporter, count: int) -> None:
    wait_until(lambda: exporter.requests_ended["/metrics"] == count)


def test_a_scrape_shows_what_is_published_then_the_own_metrics(
    exporter: Exporter, address: str
) -> None:
    """A newer view shows in the next scrape."""
    exporter.snapshot.replace(full_view(number=2))

    expected = b"".join(exporter.snapshot.published().lines(Form.TEXT)) + OWN[Form.TEXT]
    assert request(address, "/metrics").body == expected


def test_a_complete_scrape_is_reported_once_with_what_it_showed(
    exporter: Exporter, address: str
) -> None:
    """Whatever its form and encoding."""
    first = exporter.snapshot.published().view_numbers
    request(address, "/metrics")
    _ended(exporter, 1)
    exporter.snapshot.replace(full_view(number=2))
    second = exporter.snapshot.published().view_numbers
    request(address, "/metrics", ("Accept", Form.OPENMETRICS.value), ("Accept-Encoding", "gzip"))
    _ended(exporter, 2)

    assert exporter.scraped == [first, second]


@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/metrics"), ("POST", "/metrics"), ("GET", "/metrics/"), ("GET", "/-/healthy")],
)
def test_other_requests_are_no_scrapes(
    exporter: Exporter, address: str, method: str, path: str
) -> None:
    """Only a GET of the telemetry path is one."""
    request(address, path, method=method)
    wait_until(lambda: exporter.requests_ended[path] == 1)

    assert exporter.scraped == []


def test_a_client_that_leaves_in_the_middle_has_not_scraped(
    exporter: Exporter, address: str
) -> None:
    """The body was not handed over; the next client is not harmed."""
    exporter.snapshot.replace(_large_view(number=2))
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        # Closing resets the connection at once: nothing more is taken.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _ended(exporter, 1)

    assert exporter.scraped == []
    assert request(address, "/metrics").status == 200
    _ended(exporter, 2)
    assert exporter.scraped == [exporter.snapshot.published().view_numbers]


def test_a_slow_client_has_scraped_when_it_has_read_it_all(
    exporter: Exporter, address: str
) -> None:
    """While it reads, the scrape is not complete."""
    exporter.snapshot.replace(_large_view(number=2))
    host, port = address.rsplit(":", 1)
    with socket.socket() as connection:
        # The system would make room for megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        connection.settimeout(DEADLINE_SECONDS)
        connection.connect((host, int(port)))
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert connection.recv(17) == b"HTTP/1.1 200 OK\r\n"
        request(address, "/-/healthy")
        assert exporter.scraped == []
        with connection.makefile("rb") as stream:
            assert stream.read().endswith(OWN[Form.TEXT])
    _ended(exporter, 1)

    assert exporter.scraped == [exporter.snapshot.published().view_numbers]


def test_a_scrape_that_cannot_be_made_does_not_count(exporter: Exporter) -> None:
    """A bug in the own metrics is a 500, and not a scrape."""
    with served(exporter, own_metrics={}.__getitem__) as address:
        answer = request(address, "/metrics")

    assert answer.status == 500
    assert exporter.scraped == []


def _generations_shown(answer: Answer) -> list[int]:
    text = gzip.decompress(answer.body).decode()
    info, *_ = text_string_to_metric_families(text)
    return [int(sample.labels["job_id"].partition("-")[0]) for sample in info.samples]


def test_concurrent_scrapes_see_one_consistent_state_each(exporter: Exporter, address: str) -> None:
    """Every scrape shows one view, wholly, while views are replaced all the time."""
    jobs, scrapes = 50, 60
    exporter.snapshot.replace(_large_view(number=2, jobs=jobs))

    with ThreadPoolExecutor(8) as pool:
        answers = [
            pool.submit(request, address, "/metrics", ("Accept-Encoding", "gzip"))
            for _ in range(scrapes)
        ]
        generation = 2
        while not all(answer.done() for answer in answers):
            generation += 1
            exporter.snapshot.replace(_large_view(generation, jobs))
        shown = [_generations_shown(answer.result()) for answer in answers]

    assert [(len(each), len(set(each))) for each in shown] == [(jobs, 1)] * scrapes
    _ended(exporter, scrapes)
    assert len(exporter.scraped) == scrapes
