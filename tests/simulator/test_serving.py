"""Serving on a socket: addresses, fast shutdown, and the error for a taken port."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from statistics import median
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.simulator import Fault, Simulator, World, serving, serving_in_thread
from tests.support.clients import tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS_PATH = "/api/v1/beta/batch-processing"
STOPS_WITHIN_SECONDS = 0.5


@pytest.fixture
def occupied_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def get(base_url: str, path: str = "") -> httpx.Response:
    return httpx.get(base_url + JOBS_PATH + path, timeout=10, trust_env=False, verify=tls_context())


@pytest.mark.anyio
async def test_it_serves_in_the_running_loop() -> None:
    """Two simulators can run side by side, each on its own port."""
    async with serving(Simulator(World()).app) as one, serving(Simulator(World()).app) as other:
        assert one != other
        async with httpx.AsyncClient(trust_env=False, verify=tls_context()) as client:
            answers = [await client.get(base_url + JOBS_PATH) for base_url in (one, other)]
    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.anyio
async def test_signals_stay_the_programs_own() -> None:
    """Serving installs no signal handler, so the program decides how it ends."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(Simulator(World()).app) as base_url:
        async with httpx.AsyncClient(trust_env=False, verify=tls_context()) as client:
            await client.get(base_url + JOBS_PATH)
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


@pytest.mark.anyio
async def test_leaving_at_once_stops_it_too() -> None:
    """A server without any request stops like any other."""
    async with serving(Simulator(World()).app) as base_url:
        pass
    with pytest.raises(httpx.ConnectError):
        get(base_url)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost", ""])
def test_the_base_url_can_be_connected_to(host: str) -> None:
    """This holds even for a server that listens on every interface."""
    with serving_in_thread(Simulator(World()).app, host=host) as base_url:
        assert get(base_url).status_code == 401


def test_a_taken_port_is_a_clear_error(occupied_port: int) -> None:
    """The error names the address and the reason."""
    app = Simulator(World()).app
    with (
        pytest.raises(OSError, match="cannot listen on") as caught,
        serving_in_thread(app, port=occupied_port),
    ):
        pass
    assert caught.value.errno == errno.EADDRINUSE
    assert caught.value.strerror == (
        f"cannot listen on 127.0.0.1:{occupied_port}: Address already in use"
    )


def test_it_stops_at_once_while_clients_wait(caplog: pytest.LogCaptureFixture) -> None:
    """A pending response and an idle connection do not delay it, and nothing is logged."""
    simulator = Simulator(World())
    simulator.faults.add(Fault("hang", endpoint="job_status"))
    with (
        httpx.Client(timeout=10, trust_env=False, verify=tls_context()) as idle,
        ThreadPoolExecutor() as threads,
    ):
        with serving_in_thread(simulator.app) as base_url:
            idle.get(base_url + JOBS_PATH)
            hanging: Future[httpx.Response] = threads.submit(get, base_url, "/job-1")
            give_up_at = time.monotonic() + 10
            while len(simulator.requests) < 2:
                assert time.monotonic() < give_up_at
                time.sleep(0.005)
            leaving_at = time.monotonic()
        took_seconds = time.monotonic() - leaving_at
        with pytest.raises(httpx.TransportError):
            hanging.result(timeout=10)
    assert took_seconds < STOPS_WITHIN_SECONDS
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_an_answer_is_not_held_back_by_the_kernel() -> None:
    """Nagle's algorithm is off: twenty responses on one connection take less than 40 ms each."""
    with (
        serving_in_thread(Simulator(World()).app) as base_url,
        httpx.Client(trust_env=False, verify=tls_context()) as client,
    ):
        client.get(base_url + JOBS_PATH)
        seconds = []
        for _ in range(20):
            sent_at = time.monotonic()
            client.get(base_url + JOBS_PATH)
            seconds.append(time.monotonic() - sent_at)
        assert median(seconds) < 0.04


@pytest.mark.filterwarnings("error")
def test_a_connection_that_was_accepted_just_now_is_closed_too() -> None:
    """Otherwise its socket would stay open until it is collected, with a warning."""
    for _ in range(20):
        with ExitStack() as opened, serving_in_thread(Simulator(World()).app) as base_url:
            host, port = base_url.removeprefix("http://").split(":")
            for _ in range(3):
                opened.enter_context(socket.create_connection((host, int(port))))
    gc.collect()


@pytest.mark.anyio
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_is_closed_in_each_turn_of_its_acceptance(turns: int) -> None:
    """The loop needs some turns to accept one, and the server may end after any of them."""
    with ExitStack() as opened:
        async with serving(Simulator(World()).app) as base_url:
            async with httpx.AsyncClient(trust_env=False, verify=tls_context()) as client:
                await client.get(base_url + JOBS_PATH)
            host, port = base_url.removeprefix("http://").split(":")
            connection = opened.enter_context(socket.create_connection((host, int(port))))
            for _ in range(turns):
                await asyncio.sleep(0)
        connection.settimeout(10)
        with suppress(ConnectionResetError):
            assert b"" == connection.recv(1)
    gc.collect()
