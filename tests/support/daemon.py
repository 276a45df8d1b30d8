"""Prometheus's programs as real processes on the loopback."""

from __future__ import annotations

import http.client
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.support.log_reading import records_of
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_SECONDS = 30.0
# Their state changes once a second, and each request costs them computation.
SECONDS_BETWEEN_CHECKS = 0.25
LISTENING = "Listening on"


@dataclass
class Daemon:
    """A running program with a log file."""

    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of its log."""
        return records_of(self.log_file)

    @property
    def address(self) -> str | None:
        """The host and port on which it listens; ``None`` before it does."""
        return next((line["address"] for line in self.log() if line.get("msg") == LISTENING), None)

    @property
    def url(self) -> str:
        """The URL of its page."""
        return f"http://{self.address}"

    def get(self, path: str) -> tuple[int, str]:
        """Send a request on a new connection."""
        connection = http.client.HTTPConnection(self.address or "", timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_for(
        self,
        condition: Callable[[], bool],
        *,
        missing: Callable[[], Any] = list,
        within_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Wait until a condition holds; fail with ``missing`` and the log if it never does."""
        wait_until(
            condition,
            self.process,
            within_seconds=within_seconds,
            seconds_between_checks=SECONDS_BETWEEN_CHECKS,
            message=lambda: f"{missing()}\n{self.log_file.read_text()}",
        )

    def is_ready(self) -> bool:
        """Return whether it reports that it is ready."""
        return self.address is not None and self.get("/-/ready")[0] == http.client.OK


Kind = TypeVar("Kind", bound=Daemon)


@contextmanager
def running_daemon(kind: type[Kind], program: str, config: str, *arguments: str) -> Iterator[Kind]:
    """Run a program on a free port and in an empty folder until the end of the block.

    ``{folder}`` in an argument stands for that folder, and relative paths in ``config`` start from
    it.
    """
    with tempfile.TemporaryDirectory(prefix=f"{program}-") as name:
        folder = Path(name)
        (folder / "config.yml").write_text(config)
        command = (
            require_tool(program),
            f"--config.file={folder / 'config.yml'}",
            "--web.listen-address=127.0.0.1:0",
            "--log.format=json",
            *(argument.replace("{folder}", name) for argument in arguments),
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        daemon = kind(process, folder / "log")
        try:
            daemon.wait_for(daemon.is_ready)
            yield daemon
        finally:
            process.kill()
            process.wait()
