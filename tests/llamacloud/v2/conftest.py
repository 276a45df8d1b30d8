"""Fixtures for the reader of v2."""

from collections.abc import Iterator

import pytest

from tests.llamacloud.v2.batches_server import BatchesServer, serving_batches


@pytest.fixture
def server() -> Iterator[BatchesServer]:
    """Serve batches on a real socket."""
    with serving_batches() as server:
        yield server
