"""Thousands of clients who mean no good, at the exporter as a process: what a user sees."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import COMMAND, Exporter, running, running_command
from tests.support.log_reading import lines_of
from tests.support.raw_http import HEALTHY, SCRAPE, connect

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

MANY_CLIENTS = 2_000
SLOW_READERS = 50
MANY_JOBS = 500
EXPECTED_EVENTS = {
    "exporter.listening",
    "exporter.first_poll_ended",
    "exporter.stopping",
    "job.appeared",
    "project.listed",
}
LONG = 300 * "x"
HALF_A_REQUEST = HEALTHY[:-2]


def of(cloud: Cloud) -> dict[str, str]:
    return {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}


@pytest.fixture
def busy(cloud: Cloud) -> Iterator[Exporter]:
    """Run the exporter with an exposition of some megabytes."""
    for number in range(MANY_JOBS):
        cloud.add_job(f"job-{number}-{LONG}", items=[])
    flags = (f"--jobs.max-per-project={MANY_JOBS}", "--items.enabled=false")
    with running(*flags, **of(cloud)) as exporter:
        exporter.wait_for_metric("llamacloud_batch_job_info{")
        yield exporter


@contextmanager
def clients(
    exporter: Exporter, sending: list[bytes], *, reads_little: bool = False
) -> Iterator[list[socket.socket]]:
    """Hold open a connection for each of ``sending``."""
    page = urlsplit(exporter.events("exporter.listening")[0]["open_in_browser"])
    with ExitStack() as connections:
        yield [
            connections.enter_context(connect(page.netloc, sent, reads_little=reads_little))
            for sent in sending
        ]


def scrape_in_time(exporter: Exporter) -> str:
    """Scrape as Prometheus does, which gives up after ten seconds."""
    began = time.monotonic()
    status, text = exporter.get()
    assert (200, True) == (status, time.monotonic() - began < 10)
    return text


def value(text: str, metric: str) -> float:
    found = re.search(rf"^{metric} (\S+)$", text, re.MULTILINE)
    assert found, f"{metric} is absent: is there no /proc?"
    return float(found[1])


def memory_bytes(exporter: Exporter) -> float:
    return value(scrape_in_time(exporter), "process_resident_memory_bytes")


def nothing_odd_logged(exporter: Exporter) -> bool:
    lines = lines_of(exporter.log_file)
    return {json.loads(line)["event"] for line in lines} <= EXPECTED_EVENTS


def test_prometheus_is_served_beside_thousands_of_idle_clients(cloud: Cloud) -> None:
    """They cost next to nothing, and leaving takes no longer for them."""
    with running(**of(cloud)) as exporter:
        before = memory_bytes(exporter)
        with clients(exporter, MANY_CLIENTS // 2 * [b"", HALF_A_REQUEST]):
            text = scrape_in_time(exporter)
            assert value(text, "process_open_fds") < 500
            assert value(text, "process_resident_memory_bytes") - before < 20e6
            status, seconds = exporter.stop()
        assert (0, True) == (status, seconds < 2)
        assert nothing_odd_logged(exporter)


def test_slow_readers_cost_little(busy: Exporter) -> None:
    """Far less than the exposition that each of them requested."""
    before = memory_bytes(busy)
    exposition_bytes = len(scrape_in_time(busy))
    with clients(busy, SLOW_READERS * [SCRAPE], reads_little=True) as slow:
        for reader in slow:
            assert b"HTTP/1.1 200 OK\r\n" == reader.recv(17)
        grown = memory_bytes(busy) - before

    assert exposition_bytes > 2e6
    assert grown < SLOW_READERS * 400e3
    assert nothing_odd_logged(busy)


def test_slow_and_idle_clients_do_not_keep_it_from_leaving(busy: Exporter) -> None:
    """Answers under way have less than a second; then it leaves without a word."""
    with (
        clients(busy, SLOW_READERS * [SCRAPE], reads_little=True),
        clients(busy, MANY_CLIENTS // 2 * [HALF_A_REQUEST]),
        clients(busy, SLOW_READERS * [SCRAPE], reads_little=True) as slow,
    ):
        assert b"HTTP/1.1 200 OK\r\n" == slow[-1].recv(17)
        scrape_in_time(busy)
        status, seconds = busy.stop()
    assert (0, True) == (status, seconds < 2)
    assert nothing_odd_logged(busy)


def test_few_files_are_enough(cloud: Cloud) -> None:
    """Where no more are allowed, fewer clients are held at once."""
    few = ("sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", *COMMAND)
    with running_command(few, **of(cloud)) as exporter:
        with clients(exporter, MANY_CLIENTS // 2 * [b""]):
            text = scrape_in_time(exporter)
        assert 256 == value(text, "process_max_fds")
        assert value(text, "process_open_fds") > 100
        assert nothing_odd_logged(exporter)


def test_as_many_files_as_allowed_are_used(cloud: Cloud) -> None:
    """The soft limit of open files is for programs of another age."""
    low = ("sh", "-c", 'ulimit -Sn 64 && ulimit -Hn 1000 && exec "$@"', "sh", *COMMAND)
    with running_command(low, **of(cloud)) as exporter:
        assert 1000 == value(scrape_in_time(exporter), "process_max_fds")
