"""Exporters as processes: started, scraped and stopped."""

from __future__ import annotations

import http.client
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.support.exporter_process import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_SECONDS = 0.002
_DEADLINE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running exporter; ``start_seconds`` is the time from its start to the first scrape."""

    pid: int
    port: int
    start_seconds: float

    def scrape(self, **headers: str) -> bytes:
        """Scrape once on a new connection; headers are named like ``accept_encoding``."""
        return _get(self.port, {name.replace("_", "-"): text for name, text in headers.items()})


@contextmanager
def running_server(
    command_at: Callable[[int], tuple[str, ...]], **variables: str
) -> Iterator[Server]:
    """Run a command that serves on a port, and yield after its first scrape."""
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            command_at(port),
            env=environment(**variables),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            while not _serves(port):
                log.seek(0)
                assert process.poll() is None, log.read().decode()
                assert time.perf_counter() - began < _DEADLINE_SECONDS
                time.sleep(_LOOK_SECONDS)
            yield Server(process.pid, port, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _serves(port: int) -> bool:
    try:
        return bool(_get(port, {}))
    except ConnectionRefusedError:
        return False


def _get(port: int, headers: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_DEADLINE_SECONDS)
    try:
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        assert response.status == HTTPStatus.OK
        return response.read()
    finally:
        connection.close()
