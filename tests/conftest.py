"""Fixtures that every test may use."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import CollectorRegistry

from exporter.app.polled_project import ENDPOINTS_OF
from exporter.telemetry import Telemetry
from tests.support.cloud import Cloud, running_cloud

TESTS: Final = Path(__file__).parent
# Files whose tests wait for many seconds, or compute for many; single tests are marked themselves.
SLOW: Final = {
    "app/test_disks.py",
    "app/test_hanging.py",
    "app/test_isolation.py",
    "app/test_keys.py",
    "app/test_reloaded_projects.py",
    "app/test_reloads_under_load.py",
    "app/test_restarts.py",
    "app/test_secrets.py",
    "app/test_time.py",
    "core/test_batch_histories.py",
    "core/test_policy_days.py",
    "core/test_policy_still_jobs.py",
    "core/test_properties.py",
    "dashboard/test_queries.py",
    "e2e/test_failed_items.py",
    "e2e/test_rules_for_real.py",
    "exposition/test_properties.py",
    "poller/test_hostile_upstream.py",
    "poller/test_small_budget.py",
    "rules/test_mutations.py",
    "soak/test_soak.py",
    "web/test_crowds.py",
    "web_config/test_storms.py",
}
SLOW_SECONDS: Final = 300
# Folders whose tests read what stands under deploy/ and in the documentation. They do not
# depend on the version of Python.
DEPLOYMENT: Final = {"compose", "dashboard", "docs", "release", "rules", "systemd"}

# Modules and the collected tests stay until the end. Searching them for garbage again and again
# would take a tenth of the time.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Collect garbage again, but only that of the tests."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by where they stand; `pyproject.toml` says what each mark is for."""
    missing = [name for name in (*SLOW, *DEPLOYMENT) if not (TESTS / name).exists()]
    assert not missing, f"tests/conftest.py names files that do not exist: {missing}"
    for item in items:
        path = item.path.relative_to(TESTS)
        if path.as_posix() in SLOW:
            item.add_marker("slow")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(SLOW_SECONDS))
        if path.parts[0] in DEPLOYMENT:
            item.add_marker("deployment")


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
