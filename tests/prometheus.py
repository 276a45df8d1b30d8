"""A real Prometheus on the loopback, for tests that ask it what it scraped."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DEADLINE_SECONDS = 30.0
LISTENING = "Listening on"


@dataclass
class Prometheus:
    """A running Prometheus; its log is read from where it writes it."""

    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        # The last one may be half written.
        lines = self.log_file.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    @property
    def address(self) -> str | None:
        """Where it listens, as host and port; ``None`` before it does."""
        return next((line["address"] for line in self.log() if line.get("msg") == LISTENING), None)

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://{self.address}"

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return what an instant query finds now, each with ``metric`` and ``value``."""
        found: list[dict[str, Any]] = self.ask("/api/v1/query", query=promql)["result"]
        return found

    def ask(self, path: str, **parameters: str | Sequence[str]) -> Any:
        """Return the data of an answer of the HTTP API; fail if it is an error."""
        status, body = self.get(f"{path}?{urlencode(parameters, doseq=True)}")
        answer = json.loads(body)
        assert (200, "success") == (status, answer["status"]), f"{parameters}: {body}"
        return answer.get("data")

    def get(self, path: str) -> tuple[int, str]:
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection(self.address or "", timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_for(self, condition: Callable[[], bool], *, missing: Callable[[], Any] = list) -> None:
        """Wait until a condition holds; fail, and tell what is ``missing``, if it never does."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert self.process.poll() is None, self.log_file.read_text()
            assert time.monotonic() < deadline, f"{missing()}\n{self.log_file.read_text()}"
            time.sleep(0.05)

    def _ready(self) -> bool:
        return self.address is not None and self.get("/-/ready")[0] == http.client.OK


@contextmanager
def running_prometheus(config: str, *arguments: str) -> Iterator[Prometheus]:
    """Run Prometheus on a free port and with an empty folder of its own, to the end of the block.

    Paths in ``config`` are absolute, or start from that folder.
    """
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name:
        folder = Path(name)
        (folder / "prometheus.yml").write_text(config)
        prometheus = Prometheus(_start(folder, arguments), folder / "log")
        try:
            prometheus.wait_for(prometheus._ready)  # noqa: SLF001 - its own module
            yield prometheus
        finally:
            prometheus.process.kill()
            prometheus.process.wait()


def _start(folder: Path, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command = (
        require_tool("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
        "--log.format=json",
        *arguments,
    )
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def scraping(*targets: str, every: str = "1s") -> str:
    """Return a configuration that scrapes the targets, each a host and port, and has no rules."""
    return json.dumps(  # JSON is YAML.
        {
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [
                {"job_name": "llamacloud", "static_configs": [{"targets": targets}]}
            ],
        }
    )
