"""The exporter as a real process."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.log_reading import records_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DEADLINE_SECONDS = 20.0
_LOOK_SECONDS = 0.01
COMMAND = (sys.executable, "-m", "exporter")


@dataclass
class Exporter:
    """A running exporter with a log file."""

    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> list[dict[str, Any]]:
        """Return the lines of the log."""
        return records_of(self.log_file)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of one event."""
        return [line for line in self.log() if line["event"] == name]

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection to the exporter that is not open yet."""
        address = urlsplit(self.events("exporter.listening")[0]["open_in_browser"])
        return http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)

    def get(
        self, path: str = "/metrics", *, method: str = "GET", headers: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        """Send a request to the exporter on a new connection."""
        connection = self.connection()
        try:
            connection.request(method, path, headers=dict(headers))
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; fail if it never does, or the process ends."""
        wait_until(
            condition,
            self.process,
            within_seconds=DEADLINE_SECONDS,
            message=self.log_file.read_text,
        )

    def wait_for_metric(self, sample: str) -> str:
        """Wait until a line of the exposition starts with ``sample``; return the exposition."""
        self.wait_for(lambda: any(line.startswith(sample) for line in self.get()[1].splitlines()))
        return self.get()[1]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal, and return the exit status and the seconds until the exit.

        Delays of a busy machine are subtracted, because they delay the exporter as much as this
        test.
        """
        began = time.monotonic()
        self.process.send_signal(number)
        late_seconds = 0.0
        while (status := self.process.poll()) is None:
            asleep_since = time.monotonic()
            assert asleep_since - began < DEADLINE_SECONDS, self.log_file.read_text()
            time.sleep(_LOOK_SECONDS)
            late_seconds += time.monotonic() - asleep_since - _LOOK_SECONDS
        return status, time.monotonic() - began - late_seconds


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without the exporter's settings, plus ``variables``."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LLAMA_CLOUD", "LLAMACLOUD_EXPORTER"))
    }
    return clean | variables


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the exporter and wait for it."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[Exporter]:
    """Run the exporter on a free port until the end of the block."""
    with running_command(COMMAND, *arguments, **variables) as exporter:
        yield exporter


@contextmanager
def running_command(
    command: Sequence[str], *arguments: str, **variables: str
) -> Iterator[Exporter]:
    """Run a command that is equivalent to the exporter's."""
    with tempfile.TemporaryDirectory() as folder:
        log_file = Path(folder) / "log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [*command, "--web.listen-address=127.0.0.1:0", "--log.format=json", *arguments],
                env=environment(**variables),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        exporter = Exporter(process, log_file)
        try:
            exporter.wait_for(lambda: bool(exporter.events("exporter.listening")))
            yield exporter
        finally:
            process.kill()
            process.wait()
