"""A running simulator with one key, and a client that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.simulator import DEFAULT_PROJECT_ID, Simulator, World, serving_in_thread
from tests.support.clients import tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "llx-test"


@pytest.fixture
def world() -> World:
    world = World(clock=lambda: 1_800_000_000.0)
    world.add_key(KEY, DEFAULT_PROJECT_ID)
    return world


@pytest.fixture
def simulator(world: World) -> Simulator:
    return Simulator(world)


@pytest.fixture
def base_url(simulator: Simulator) -> Iterator[str]:
    with serving_in_thread(simulator.app) as base_url:
        yield base_url


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    """A client of the beta API with a valid key."""
    with _client(f"{base_url}/api/v1/beta") as client:
        yield client


@pytest.fixture
def v2_client(base_url: str) -> Iterator[httpx.Client]:
    """A client of the v2 API with a valid key."""
    with _client(f"{base_url}/api/v2") as client:
        yield client


def _client(url: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.Client(
        base_url=url, headers=headers, timeout=10, trust_env=False, verify=tls_context()
    )
