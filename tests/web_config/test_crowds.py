"""Crowds of clients over TLS, at the exporter as a process: what a user sees."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import running
from tests.support.log_reading import lines_of
from tests.support.raw_http import connect
from tests.support.tls_clients import request, unverifying_context

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.certificates import Certificates

SILENT = 1_000
HALF_A_HANDSHAKE = bytes.fromhex("16030100f1010000ed0303")
EXPECTED_EVENTS = {"exporter.listening", "exporter.first_poll_ended", "project.listed"}


def value(text: str, metric: str) -> float:
    found = re.search(rf"^{metric} (\S+)$", text, re.MULTILINE)
    assert found, f"{metric} is absent: is there no /proc?"
    return float(found[1])


def test_prometheus_is_served_beside_silent_and_idle_clients(
    cloud: Cloud, tmp_path: Path, certificates: Certificates
) -> None:
    """They cost a few files and megabytes, whether they begin a handshake, end it, or neither."""
    cert, key = certificates.pair("server")
    file = tmp_path / "web.yml"
    file.write_text(f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}")
    variables = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}
    with running(f"--web.config.file={file}", **variables) as exporter, ExitStack() as opened:
        url = exporter.events("exporter.listening")[0]["open_in_browser"].removesuffix("/")
        address = url.removeprefix("https://")

        def scraped() -> str:
            began = time.monotonic()
            answer = request(url, "/metrics")
            assert (200, True) == (answer.status, time.monotonic() - began < 10)
            return answer.body.decode()

        before = value(scraped(), "process_resident_memory_bytes")
        context = unverifying_context()
        for number in range(SILENT):
            connection = connect(address, HALF_A_HANDSHAKE if number % 2 else b"")
            opened.enter_context(connection)
        for _ in range(50):
            opened.enter_context(context.wrap_socket(connect(address)))
        text = scraped()
        assert value(text, "process_open_fds") < 500
        # 256 connections as asyncio makes them would take 64 MB.
        assert value(text, "process_resident_memory_bytes") - before < 40e6
        status, seconds = exporter.stop()
        assert (0, True) == (status, seconds < 2)
        events = {json.loads(line)["event"] for line in lines_of(exporter.log_file)}
        assert events <= EXPECTED_EVENTS | {"exporter.stopping"}
