"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from cloud import Cloud, running_cloud


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the exporter does."""
    return "asyncio"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Run a simulated LlamaCloud on a real socket."""
    with running_cloud() as cloud:
        yield cloud
