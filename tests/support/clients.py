"""Clients of the simulated LlamaCloud, with an observer that records events."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol

import httpx

from exporter.app.access import BudgetLimits, Budgets
from exporter.llamacloud.budget import RequestBudget
from exporter.llamacloud.client import Client
from exporter.llamacloud.connections import Connections
from exporter.llamacloud.rate import AdaptiveRate
from exporter.llamacloud.requests import RetryPolicy
from tests.support.cloud import KEY

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from exporter.llamacloud.clock import UpstreamClock
    from exporter.llamacloud.request_log import RequestLog
    from exporter.llamacloud.requests import Access, RequestObserver

QUICK_RETRIES = RetryPolicy(
    wait_initial_seconds=0.001, wait_max_seconds=0.01, wait_jitter_seconds=0.0
)


@dataclass
class Observer:
    """Records the events that a client reports."""

    finished: Counter[tuple[str, str]] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    waited_seconds: float = 0.0
    unread_rows: Counter[str] = field(default_factory=Counter)
    unread_fields: Counter[tuple[str, str]] = field(default_factory=Counter)
    reports_of_fields: int = 0

    def request_finished(self, endpoint: str, code: str, seconds: float) -> None:
        """Record a finished request."""
        assert seconds >= 0
        self.finished[str(endpoint), code] += 1

    def request_retried(self, endpoint: str) -> None:
        """Record a retry."""
        self.retried[str(endpoint)] += 1

    def budget_waited(self, seconds: float) -> None:
        """Record a wait for the budget."""
        self.waited_seconds += seconds

    def rows_left_out(self, endpoint: str, number: int) -> None:
        """Record rows that could not be read."""
        self.unread_rows[str(endpoint)] += number

    def fields_left_out(self, endpoint: str, field: str, number: int) -> None:
        """Record fields that could not be read."""
        self.unread_fields[str(endpoint), field] += number
        self.reports_of_fields += 1


@dataclass(eq=False)
class FixedAccess:
    """A key that is never replaced, and its budget."""

    api_key: str
    budget: RequestBudget
    changes: int = 0

    def renew(self) -> None:
        """Find the same key again."""


@dataclass(eq=False)
class KeyInFile:
    """A key, and the content of the file it was read from."""

    api_key: str
    in_file: str
    budget: RequestBudget
    changes: int = 0

    def renew(self) -> None:
        """Read the file."""
        self.changes += self.api_key != self.in_file
        self.api_key = self.in_file


def budget_of(
    requests_per_second: float,
    concurrency: int,
    clock: Callable[[], float],
    *,
    least: float = 0.001,
) -> RequestBudget:
    """Return a budget that has not drawn a 429 yet."""
    return RequestBudget(AdaptiveRate(requests_per_second, least=least), concurrency, clock)


def plenty() -> RequestBudget:
    """Return a budget that no test exhausts."""
    return budget_of(10_000.0, 8, time.monotonic)


def budgets_of_plenty() -> Budgets:
    """Give each key a budget that no test exhausts."""
    return Budgets(BudgetLimits(requests_per_second=10_000.0, least=1.0, concurrency=8))


@cache
def tls_context() -> ssl.SSLContext:
    """Load the certificates once, because this takes as long as a small test."""
    return httpx.create_ssl_context(trust_env=False)


class Served(Protocol):
    """A server on a socket of this machine."""

    @property
    def base_url(self) -> str:
        """The URL of the server."""


@asynccontextmanager
async def client_of(
    cloud: Served,
    observer: RequestObserver | None = None,
    *,
    api_key: str = KEY,
    base_url: str | None = None,
    timeout_seconds: float = 5.0,
    budget: RequestBudget | None = None,
    access: Access | None = None,
    retry: RetryPolicy = QUICK_RETRIES,
    upstream_clock: UpstreamClock | None = None,
    request_log: RequestLog | None = None,
) -> AsyncIterator[Client]:
    """Open a client of the simulated LlamaCloud."""
    async with Connections(
        "llamacloud-batch-exporter/test", tls_context=tls_context()
    ) as connections:
        yield Client(
            connections,
            base_url=base_url or cloud.base_url,
            access=access or FixedAccess(api_key, budget or plenty()),
            timeout_seconds=timeout_seconds,
            observer=observer or Observer(),
            retry=retry,
            upstream_clock=upstream_clock,
            request_log=request_log,
        )
