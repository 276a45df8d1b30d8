"""prometheus_client's own server as a process that serves the series of another exposition."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server

from tests.benchmarks.peers.series import scraped_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.peers.series import Series


@contextmanager
def running_peer(module: str, exposition_url: str) -> Iterator[str]:
    """Run a module of this package until the end of the block, and yield its metrics URL."""
    command = [sys.executable, "-m", f"tests.benchmarks.peers.{module}", exposition_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def serve(fill: Callable[[CollectorRegistry, Sequence[Series]], None]) -> None:
    """Serve what ``fill`` creates from the exposition that the command names."""
    registry = CollectorRegistry()
    fill(registry, scraped_series(sys.argv[1]))
    server, _ = start_http_server(0, "127.0.0.1", registry)
    sys.stdout.write(json.dumps(f"http://127.0.0.1:{server.server_port}/metrics") + "\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
