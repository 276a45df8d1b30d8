"""GET requests to LlamaCloud: budgeted, bounded in time, retried, and every failure typed."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Protocol, TypeAlias

import httpx
import stamina

from exporter.llamacloud.errors import (
    BadResponse,
    LlamaCloudError,
    NetworkFailed,
    RequestTimedOut,
    retry_after_seconds,
)
from exporter.llamacloud.headers import answered_at
from exporter.llamacloud.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from exporter.llamacloud.budget import RequestBudget

_CONNECT_TIMEOUT_SECONDS = 10.0

Connections: TypeAlias = httpx.AsyncClient


class Endpoint(StrEnum):
    """The endpoints that requests are counted by."""

    LIST_JOBS = "list_jobs"
    JOB_STATUS = "job_status"
    LIST_ITEMS = "list_items"


class RequestObserver(Protocol):
    """Is told of every request that a client sends."""

    def request_finished(self, endpoint: str, code: str, seconds: float) -> None:
        """Take note of one request; ``code`` is its HTTP status, ``timeout`` or ``network``."""

    def request_retried(self, endpoint: str) -> None:
        """Take note that the next request is a retry."""

    def budget_waited(self, seconds: float) -> None:
        """Take note of time that a request waited for the budget."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and how long is waited between: doubling, with jitter.

    LlamaCloud's documentation asks for exponential backoff with jitter; the figures are those of
    its SDK.
    """

    attempts: int = 3
    wait_initial_seconds: float = 0.5
    wait_max_seconds: float = 8.0
    wait_jitter_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a 200; ``answered_at`` is LlamaCloud's ``Date``, or else our own clock's."""

    body: bytes
    asked_monotonic: float
    answered_at: float


@asynccontextmanager
async def open_connections(user_agent: str) -> AsyncIterator[Connections]:
    """Open the connection pool that all projects share, and close it at the end."""
    # Projects share connections but must never share a session: no cookie is kept.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
    async with httpx.AsyncClient(
        headers={"User-Agent": user_agent, "Accept": "application/json"},
        cookies=no_cookies,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
    ) as connections:
        yield connections


class Client:
    """Asks LlamaCloud with one key at one base URL."""

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: str,
        api_key: str,
        timeout_seconds: float,
        budget: RequestBudget,
        observer: RequestObserver,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._connections = connections
        self._base_url = base_url
        self._api_key = api_key.encode()
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._timeout_seconds = timeout_seconds
        self._budget = budget
        self._observer = observer
        self._retry = retry or RetryPolicy()

    async def get(self, endpoint: Endpoint, path: str, params: Mapping[str, str]) -> Answer:
        """Get ``path``, trying again where that can help.

        Raises:
            LlamaCloudError: of the kind that the last attempt failed by.
        """
        async for attempt in stamina.retry_context(
            on=_backoff,
            attempts=self._retry.attempts,
            timeout=None,
            wait_initial=self._retry.wait_initial_seconds,
            wait_max=self._retry.wait_max_seconds,
            wait_jitter=self._retry.wait_jitter_seconds,
        ):
            with attempt:
                if attempt.num > 1:
                    self._observer.request_retried(endpoint)
                return await self._attempt(endpoint, path, params)
        raise AssertionError("a retry context ends by returning or raising")

    async def _attempt(self, endpoint: Endpoint, path: str, params: Mapping[str, str]) -> Answer:
        listing = endpoint is Endpoint.LIST_JOBS
        async with self._budget.request(listing=listing) as waited_seconds:
            self._observer.budget_waited(waited_seconds)
            asked = time.monotonic()
            try:
                response = await self._send(path, params)
            except LlamaCloudError as error:
                code = "timeout" if isinstance(error, RequestTimedOut) else "network"
                self._observer.request_finished(endpoint, code, time.monotonic() - asked)
                raise
            code = str(response.status_code)
            self._observer.request_finished(endpoint, code, time.monotonic() - asked)
        if response.status_code != HTTPStatus.OK:
            # Before it is cut: a part of a key could not be told from other text in a log.
            body = response.content.replace(self._api_key, b"[redacted]")
            raise refusal(response.status_code, response.headers, body)
        return Answer(response.content, asked, answered_at(response.headers))

    async def _send(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        # httpx bounds each read, asyncio the whole: a slow drip would never end otherwise.
        timeout = httpx.Timeout(
            self._timeout_seconds, connect=min(_CONNECT_TIMEOUT_SECONDS, self._timeout_seconds)
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._connections.get(
                    self._base_url + path, params=params, headers=self._headers, timeout=timeout
                )
        except (TimeoutError, httpx.TimeoutException) as error:
            raise RequestTimedOut(f"no answer within {self._timeout_seconds:g} s") from error
        except httpx.DecodingError as error:
            raise BadResponse("the body is not what its Content-Encoding says") from error
        except (httpx.RequestError, OSError) as error:
            # TLS may fail after the handshake, which httpx passes on as it is.
            words = str(error) or "the connection was closed before an answer"
            raise NetworkFailed(f"{type(error).__name__}: {words}"[:300]) from error
        except (httpx.InvalidURL, ValueError) as error:
            # Also where a redirect points, though it is not followed.
            raise BadResponse(f"an address that cannot be asked: {error}"[:300]) from error


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, LlamaCloudError) or not error.retryable:
        return False
    asked_for = retry_after_seconds(error)
    return True if asked_for is None else asked_for
