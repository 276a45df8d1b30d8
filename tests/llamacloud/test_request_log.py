"""What the log says of single requests."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from exporter.llamacloud.errors import NetworkFailed, ServerFailed
from exporter.llamacloud.request_log import RequestLog
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from exporter.simulator import Fault
from tests.support.clients import client_of

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio
PATH = "/api/v1/beta/batch-processing"


def of(logs: list[MutableMapping[str, Any]], event: str) -> list[MutableMapping[str, Any]]:
    return [line for line in logs if line["event"] == event]


async def test_each_request_has_a_line_at_debug_level(cloud: Cloud) -> None:
    """Endpoint, code, time, and what the budget allows; retries too."""
    cloud.simulator.faults.add(Fault("status", code=503, times=1))
    with capture_logs() as logs:
        async with client_of(cloud, request_log=RequestLog("invoices")) as client:
            await client.get(V1BetaEndpoint.LIST_JOBS, PATH, {})
    failed, answered = of(logs, "request.sent")
    assert ("503", "200") == (failed["code"], answered["code"])
    for line in (failed, answered):
        assert ("invoices", "debug", "list_jobs", 600_000.0) == (
            *(line["project"], line["log_level"]),
            *(line["endpoint"], line["budget_per_minute"]),
        )
        assert 0 <= line["seconds"] < 5
        assert 0 <= line["waited_seconds"] < 5


async def test_a_refused_connection_is_reported_at_the_first_attempt(cloud: Cloud) -> None:
    """With host and port, and once: its retries last seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with capture_logs() as logs:
        async with client_of(
            cloud, base_url=f"http://127.0.0.1:{port}", request_log=RequestLog("invoices")
        ) as client:
            for _ in range(2):
                with pytest.raises(NetworkFailed):
                    await client.get(V1BetaEndpoint.LIST_JOBS, PATH, {})
    first, second = logs[:2]
    assert ("request.sent", "network") == (first["event"], first["code"])
    assert ("request.not_answered", "warning") == (second["event"], second["log_level"])
    assert second["detail"].startswith(f"127.0.0.1:{port}: ConnectionRefusedError")
    assert second["advice"].startswith("it is tried again; check LLAMA_CLOUD_BASE_URL")
    assert [second] == of(logs, "request.not_answered")


async def test_a_server_that_answered_is_reached(cloud: Cloud) -> None:
    """Whatever it said: what fails later is logged once its retries are over."""
    cloud.simulator.faults.add(Fault("status", code=500))
    with capture_logs() as logs:
        async with client_of(cloud, request_log=RequestLog("invoices")) as client:
            with pytest.raises(ServerFailed):
                await client.get(V1BetaEndpoint.LIST_JOBS, PATH, {})
            cloud.simulator.faults.clear()
            cloud.simulator.faults.add(Fault("reset"))
            with pytest.raises(NetworkFailed):
                await client.get(V1BetaEndpoint.LIST_JOBS, PATH, {})
    assert [] == of(logs, "request.not_answered")
