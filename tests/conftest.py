"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from cloud import Cloud, running_cloud
from prometheus_client import CollectorRegistry

from exporter.llamacloud.requests import ENDPOINTS_OF
from exporter.telemetry import Telemetry


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the exporter does."""
    return "asyncio"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Run a simulated LlamaCloud on a real socket."""
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def registry() -> CollectorRegistry:
    """Hold the metrics of one test."""
    return CollectorRegistry()


@pytest.fixture
def telemetry(registry: CollectorRegistry) -> Telemetry:
    """Start the metrics with figures that are easy to tell apart."""
    configured = {
        "poll_interval_seconds": 30,
        "stale_after_seconds": 300,
        "api_budget_limit_requests_per_second": 0.25,
    }
    return Telemetry(registry, configured, ENDPOINTS_OF)
