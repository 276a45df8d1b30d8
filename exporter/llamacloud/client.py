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
    RateLimited,
    RequestTimedOut,
    Unauthorized,
    retry_after_seconds,
)
from exporter.llamacloud.headers import answered_at
from exporter.llamacloud.refusals import refusal
from exporter.redaction import REDACTED

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


class Access(Protocol):
    """A project's way in: its key, which may be replaced while we run, and that key's budget."""

    @property
    def api_key(self) -> str:
        """The key in force."""

    @property
    def budget(self) -> RequestBudget:
        """The budget of the key in force."""

    def renew(self) -> bool:
        """Look for the key again where it came from; tell whether it is another one now."""


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
    """Asks LlamaCloud for one project, at one base URL."""

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: str,
        access: Access,
        timeout_seconds: float,
        observer: RequestObserver,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._connections = connections
        self._base_url = base_url
        self._access = access
        self._timeout_seconds = timeout_seconds
        self._observer = observer
        self._retry = retry or RetryPolicy()

    async def get(self, endpoint: Endpoint, path: str, params: Mapping[str, str]) -> Answer:
        """Get ``path``, trying again where that can help, also with a key that was replaced.

        Raises:
            LlamaCloudError: of the kind that the last attempt failed by.
        """
        refused_key = self._access.api_key
        try:
            return await self._get(endpoint, path, params)
        except Unauthorized:
            self._access.renew()
            # It may have been renewed for another request meanwhile.
            if self._access.api_key == refused_key:
                raise
        return await self._get(endpoint, path, params)

    @property
    def is_budget_used_up(self) -> bool:
        """Whether requests other than listings wait because they would be too many."""
        return self._access.budget.is_used_up

    def renew_key(self) -> bool:
        """Look for the key again where it came from; tell whether it is another one now."""
        return self._access.renew()

    async def _get(self, endpoint: Endpoint, path: str, params: Mapping[str, str]) -> Answer:
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
        budget = self._access.budget
        async with budget.request(self, listing=listing) as waited_seconds:
            self._observer.budget_waited(waited_seconds)
            asked = time.monotonic()
            api_key = self._access.api_key
            try:
                response = await self._send(path, params, api_key)
            except LlamaCloudError as error:
                code = "timeout" if isinstance(error, RequestTimedOut) else "network"
                self._observer.request_finished(endpoint, code, time.monotonic() - asked)
                raise
            code = str(response.status_code)
            self._observer.request_finished(endpoint, code, time.monotonic() - asked)
        if response.status_code != HTTPStatus.OK:
            # Before it is cut: a part of a key could not be told from other text in a log.
            body = response.content.replace(api_key.encode(), REDACTED.encode())
            refused = refusal(response.status_code, response.headers, body)
            if isinstance(refused, RateLimited):
                budget.refused(asked, refused.retry_after_seconds)
            raise refused
        return Answer(response.content, asked, answered_at(response.headers))

    async def _send(self, path: str, params: Mapping[str, str], api_key: str) -> httpx.Response:
        # httpx bounds each read, asyncio the whole: a slow drip would never end otherwise.
        timeout = httpx.Timeout(
            self._timeout_seconds, connect=min(_CONNECT_TIMEOUT_SECONDS, self._timeout_seconds)
        )
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._connections.get(
                    self._base_url + path,
                    params=params,
                    headers={"Authorization": f"Bearer {api_key}"},
                    timeout=timeout,
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
