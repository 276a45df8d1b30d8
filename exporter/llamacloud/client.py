"""GET requests to LlamaCloud: within the budget, bounded in time, and retried."""

from __future__ import annotations

import asyncio
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import stamina

from exporter.llamacloud.clock import UpstreamClock
from exporter.llamacloud.errors import (
    LlamaCloudError,
    NetworkFailed,
    RateLimited,
    RequestTimedOut,
    StatusRefused,
    Unauthorized,
    UnreadableBody,
)
from exporter.llamacloud.exchange import exchange
from exporter.llamacloud.headers import date
from exporter.llamacloud.permit import KeyReplaced
from exporter.llamacloud.refusals import refusal
from exporter.llamacloud.requests import Answer, RetryPolicy
from exporter.logs.redaction import REDACTED

if TYPE_CHECKING:
    from exporter.llamacloud.connections import Connections
    from exporter.llamacloud.exchange import Received
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.request_log import RequestLog
    from exporter.llamacloud.requests import Access, Endpoint, Query, RequestObserver

_NEXT_REQUEST_GOES_OUT_WITHIN_SECONDS = 0.001


class _Request(NamedTuple):
    endpoint: Endpoint
    path: str
    params: Query
    permit: Permit | None
    retries_bodies: bool

    def backoff(self, error: Exception) -> bool | float:
        """Return whether to retry the request, or the seconds to wait before that."""
        if not isinstance(error, LlamaCloudError) or not error.retryable:
            return False
        if error.is_of_body and not self.retries_bodies:
            return False
        delay_seconds = error.retry_after_seconds if isinstance(error, StatusRefused) else None
        if delay_seconds is None:
            return True
        # The budget waits for that time, unless another key has replaced the one that was refused.
        return 0.0 if isinstance(error, RateLimited) else delay_seconds


class Client:
    """Sends the requests of one project to one base URL; each attempt has ``timeout_seconds``."""

    def __init__(
        self,
        connections: Connections,
        *,
        base_url: str,
        access: Access,
        timeout_seconds: float,
        observer: RequestObserver,
        retry: RetryPolicy | None = None,
        upstream_clock: UpstreamClock | None = None,
        request_log: RequestLog | None = None,
    ) -> None:
        self._connections = connections
        self._base_url = base_url
        self._access = access
        self.timeout_seconds = timeout_seconds
        self.observer = observer
        self._retry = retry or RetryPolicy()
        self._upstream_clock = upstream_clock or UpstreamClock()
        self._log = request_log

    async def get(
        self,
        endpoint: Endpoint,
        path: str,
        params: Query,
        permit: Permit | None = None,
        *,
        retries_bodies: bool = True,
    ) -> Answer:
        """Get ``path``, with retries where they can help, and once more with a replaced key.

        The first attempt uses ``permit`` if it is unused; the others wait for the budget. Unless
        ``retries_bodies``, a body that broke off or did not end in time is not requested again.

        Raises:
            KeyMissing: there is no key yet, and nothing was sent.
            LlamaCloudError: the last attempt failed, in the way that its class names.
        """
        request = _Request(endpoint, path, params, permit, retries_bodies)
        refused_key: str | None = self._access.api_key
        while True:
            try:
                return await self._send(request)
            except KeyReplaced:
                continue
            except Unauthorized:
                if refused_key is None:
                    raise
                self._access.renew()
                # Another request may have renewed the key meanwhile.
                if self._access.api_key == refused_key:
                    raise
                refused_key = None

    async def _send(self, request: _Request) -> Answer:
        async for attempt in stamina.retry_context(
            on=request.backoff,
            attempts=self._retry.attempts,
            timeout=None,
            wait_initial=self._retry.wait_initial_seconds,
            wait_max=self._retry.wait_max_seconds,
            wait_jitter=self._retry.wait_jitter_seconds,
        ):
            with attempt:
                if attempt.num > 1:
                    self.observer.request_retried(request.endpoint)
                return await self._attempt(request)
        raise AssertionError("a retry context ends by returning or raising")

    async def _attempt(self, request: _Request) -> Answer:
        budget, endpoint = self._access.budget, request.endpoint
        async with budget.request(
            self._access, listing=endpoint.is_listing, permit=request.permit
        ) as waited_seconds:
            self.observer.budget_waited(waited_seconds)
            sent_at = time.monotonic()
            api_key = self._access.api_key
            try:
                answer = await exchange(
                    self._connections,
                    self._base_url + request.path,
                    api_key=api_key,
                    params=request.params,
                    timeout_seconds=self.timeout_seconds,
                )
            except LlamaCloudError as error:
                taken = time.monotonic() - sent_at
                self._finished(endpoint, _code(error), taken, waited_seconds)
                if self._log and isinstance(error, (NetworkFailed, RequestTimedOut)):
                    self._log.not_reached(str(error), error.advice)
                raise
            taken = time.monotonic() - sent_at
            self._finished(endpoint, str(answer.code), taken, waited_seconds)
            if self._log:
                self._log.answered()
        if answer.code != HTTPStatus.OK:
            refused = _refusal(answer, api_key, self._upstream_clock.now(), sent_at)
            if isinstance(refused, RateLimited):
                budget.refused(sent_at, refused.retry_after_seconds)
            raise refused
        answered_at = self._upstream_clock.answered(date(answer.headers), taken)
        # Decoding a page blocks the loop for milliseconds: the next request is sent before that.
        await asyncio.sleep(_NEXT_REQUEST_GOES_OUT_WITHIN_SECONDS)
        return Answer(answer.body, sent_at, answered_at)

    def _finished(
        self, endpoint: Endpoint, code: str, seconds: float, waited_seconds: float
    ) -> None:
        self.observer.request_finished(endpoint, code, seconds)
        if self._log:
            rate = self._access.budget.requests_per_second
            self._log.sent(endpoint, code, seconds, waited_seconds=waited_seconds, rate=rate)


def _refusal(
    answer: Received, api_key: str, answered_at: float, asked_monotonic: float
) -> StatusRefused:
    # Redact before texts are cut, because part of a key could not be found, and before addresses
    # are parsed, which lower-cases their hosts.
    body = answer.body.replace(api_key.encode(), REDACTED.encode())
    key_in_any_case = re.compile(re.escape(api_key), re.IGNORECASE)
    headers = {name: key_in_any_case.sub(REDACTED, value) for name, value in answer.headers.items()}
    return refusal(
        answer.code, headers, body, answered_at=answered_at, asked_monotonic=asked_monotonic
    )


def _code(error: LlamaCloudError) -> str:
    """Return the ``code`` label of a request without a complete answer."""
    if isinstance(error, RequestTimedOut):
        return "timeout"
    return str(HTTPStatus.OK.value) if isinstance(error, UnreadableBody) else "network"
