"""The reference: exporter-toolkit's own server, built from Go modules."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.serving import DEADLINE_SECONDS
from tests.support.tls_clients import Options, request
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from tests.support.serving import Answer

SOURCES = Path(__file__).parent / "toolkit"
_BUILD_SECONDS = 300


@dataclass(frozen=True)
class Reference:
    """The program, and what it says of a file."""

    program: Path

    def refusal(self, file: Path) -> str:
        """Return why the file is refused, or an empty text."""
        ended = subprocess.run(
            [self.program, "", file, "validate"],
            capture_output=True,
            text=True,
            cwd=file.parent,
            check=True,
        )
        return ended.stdout.replace("<nil>", "").strip()

    @contextmanager
    def serving(self, file: Path) -> Iterator[ReferenceServer]:
        """Serve with a web configuration file until the end of the block."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (file.parent / "reference.log").open("wb") as log:
            process = subprocess.Popen([self.program, address, file], stdout=log, stderr=log)
        server = ReferenceServer(address, "tls_server_config" in file.read_text())
        try:
            _wait_until_it_listens(address, process)
            yield server
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class ReferenceServer:
    """Where the reference listens."""

    address: str
    has_tls: bool

    def request(
        self, path: str = "/metrics", *headers: tuple[str, str], **options: Unpack[Options]
    ) -> Answer:
        """Send one request, as the function ``request`` does."""
        scheme = "https" if self.has_tls else "http"
        return request(f"{scheme}://{self.address}", path, *headers, **options)


def build_reference(folder: Path) -> Reference:
    """Build it, which takes seconds, or minutes where nothing of it was built before.

    Where Go or its modules cannot be had the test is skipped, or fails if REQUIRE_TOOLS=1.
    """
    program = folder / "reference"
    command = [require_tool("go"), "build", "-mod=readonly", "-o", str(program), "."]
    built = subprocess.run(
        command,
        cwd=SOURCES,
        env=os.environ | {"GOFLAGS": "-buildvcs=false"},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if built.returncode:
        words = f"the reference cannot be built: {built.stderr[-300:]}"
        if os.environ.get("REQUIRE_TOOLS") == "1":
            pytest.fail(words)
        pytest.skip(words)
    return Reference(program)


def _wait_until_it_listens(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
