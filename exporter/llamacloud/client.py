"""GET requests to LlamaCloud: budgeted, bounded in time, retried, and every failure typed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import stamina

from exporter.llamacloud.connections import exchange
from exporter.llamacloud.errors import (
    LlamaCloudError,
    RequestTimedOut,
    UnreadableBody,
    retry_after_seconds,
)
from exporter.llamacloud.headers import answered_at
from exporter.llamacloud.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.llamacloud.budget import RequestBudget
    from exporter.llamacloud.connections import Connections, Received
    from exporter.llamacloud.errors import StatusRefused


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
        self._api_key = api_key
        self._key_in_any_case = re.compile(re.escape(api_key), re.IGNORECASE)
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
                answer = await self._send(path, params)
            except LlamaCloudError as error:
                self._observer.request_finished(endpoint, _code(error), time.monotonic() - asked)
                raise
            self._observer.request_finished(endpoint, str(answer.code), time.monotonic() - asked)
        if answer.code != HTTPStatus.OK:
            raise self._refusal(answer)
        return Answer(answer.body, asked, answered_at(answer.headers))

    async def _send(self, path: str, params: Mapping[str, str]) -> Received:
        return await exchange(
            self._connections,
            self._base_url + path,
            params=params,
            headers=self._headers,
            timeout_seconds=self._timeout_seconds,
        )

    def _refusal(self, answer: Received) -> StatusRefused:
        # Before it is cut: a part of a key could not be told from other text in a log. And before
        # an address is read, which makes its host's letters small.
        body = answer.body.replace(self._api_key.encode(), b"[redacted]")
        headers = {
            name: self._key_in_any_case.sub("[redacted]", value)
            for name, value in answer.headers.items()
        }
        return refusal(answer.code, headers, body)


def _code(error: LlamaCloudError) -> str:
    """Tell by which code a request without a whole answer is counted."""
    match error:
        case RequestTimedOut():
            return "timeout"
        case UnreadableBody():
            return str(HTTPStatus.OK.value)
        case _:
            return "network"


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, LlamaCloudError) or not error.retryable:
        return False
    asked_for = retry_after_seconds(error)
    return True if asked_for is None else asked_for
