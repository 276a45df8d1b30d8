"""The HTTP beneath: one GET, bounded in time and size, and every way in which it can fail typed."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Final, TypeAlias

import httpx

from exporter.llamacloud.bodies import (
    ACCEPTED_ENCODING,
    LONGEST_ANSWER_BYTES,
    LONGEST_REFUSAL_BYTES,
    read_body,
)
from exporter.llamacloud.environment import bad_certificates, bad_proxies
from exporter.llamacloud.errors import (
    BadResponse,
    ConnectTimedOut,
    GatewayRefused,
    LlamaCloudError,
    NetworkFailed,
    RequestTimedOut,
)
from exporter.llamacloud.headers import used_headers
from exporter.llamacloud.pools import Pools
from exporter.llamacloud.refusals import PROXY_WANTS_CREDENTIALS
from exporter.llamacloud.streams import answer_begins, guard

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from exporter.llamacloud.requests import Query

_CONNECT_TIMEOUT_SECONDS = 10.0
# Of the time for a request: TCP and TLS may each take so much before it ends.
_LARGEST_SHARE_OF_CONNECTING = 0.5
# Longer than the usual intervals: each poll would look up names and shake hands again otherwise.
_KEPT_FOR_SECONDS = 120.0
_PROXY_REFUSED: Final = HTTPStatus.PROXY_AUTHENTICATION_REQUIRED.value

Connections: TypeAlias = Pools[httpx.AsyncClient]


def open_connections(user_agent: str, *, tls_context: ssl.SSLContext | None = None) -> Connections:
    """Make the connection pools of all keys; ``async with`` closes them.

    In a pool, each server has connections of its own.
    Without ``tls_context`` the certificates are loaded that the environment names.

    Raises:
        BadEnvironmentError: the environment names proxies or certificates that cannot be used, or
            the installed versions of httpx and httpcore cannot be guarded.
    """
    try:
        # Once for all pools: it takes as long as a request.
        verify = tls_context or httpx.create_ssl_context()
        new_pool = partial(_new_pool, user_agent, verify)
        # Only for the mistakes in the environment that it finds.
        new_pool()
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise bad_proxies() or error from None
    except OSError as error:
        raise bad_certificates() or error from None
    return Pools(new_pool, kept_for_seconds=_KEPT_FOR_SECONDS)


def _new_pool(user_agent: str, verify: ssl.SSLContext) -> httpx.AsyncClient:
    pool = httpx.AsyncClient(
        headers={
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED_ENCODING,
        },
        cookies=_NoCookies(),
        verify=verify,
        follow_redirects=False,
        event_hooks={"response": [_take_headers]},
        limits=httpx.Limits(
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=_KEPT_FOR_SECONDS,
        ),
    )
    guard(pool)
    return pool


class _NoCookies(CookieJar):
    """Keeps no cookie, nor reads any: projects that share a key must never share a session."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave all of them."""


@dataclass(slots=True)
class Received:
    """As much of an answer as has come; ``code`` is 0 before its status."""

    code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def exchange(
    connections: Connections,
    url: str,
    *,
    api_key: str,
    params: Query,
    timeout_seconds: float,
) -> Received:
    """Get ``url`` by a connection that no other key uses, whatever the answer's status is.

    Raises:
        ConnectTimedOut: there was no connection in time.
        RequestTimedOut: there was no whole answer in time.
        NetworkFailed: there was none at all, or it was cut off.
        GatewayRefused: a proxy that leads there wants credentials.
        UnreadableBody: there was a 200 whose body is too large, or not what its encoding says.
        BadResponse: there cannot be an answer from such a URL.
    """
    received = Received()
    timeout = _timeout(timeout_seconds)
    headers = {"Authorization": f"Bearer {api_key}"}
    try:
        # httpx bounds each read, asyncio the whole: a slow drip would never end otherwise.
        with _typed_errors(timeout):
            async with (
                connections.of(api_key) as pool,
                asyncio.timeout(timeout_seconds),
                pool.stream("GET", url, params=params, headers=headers, timeout=timeout) as answer,
            ):
                await _receive(answer, received)
    except LlamaCloudError as error:
        error.is_of_body = received.code == HTTPStatus.OK
        # A refusal is one also where its explanation does not come, or has no end.
        if error.is_of_body or not received.code:
            raise
    return received


async def _receive(answer: httpx.Response, received: Received) -> None:
    """Fill ``received`` step by step, so that it holds what came before an error."""
    received.headers = answer.extensions["used_headers"]
    received.code = answer.status_code
    answered = received.code == HTTPStatus.OK
    received.body = await read_body(
        answer.aiter_raw(),
        received.headers.get("content-encoding", ""),
        LONGEST_ANSWER_BYTES if answered else LONGEST_REFUSAL_BYTES,
    )


def _timeout(seconds: float) -> httpx.Timeout:
    connect_seconds = min(_CONNECT_TIMEOUT_SECONDS, _LARGEST_SHARE_OF_CONNECTING * seconds)
    return httpx.Timeout(seconds, connect=connect_seconds)


@contextmanager
def _typed_errors(timeout: httpx.Timeout) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise ConnectTimedOut(f"no connection within {timeout.connect:g} s") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise RequestTimedOut(f"no answer within {timeout.read:g} s") from error
    except (httpx.RequestError, OSError) as error:
        raise _network_failure(error) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise BadResponse(f"an address that cannot be asked: {error}"[:300]) from error


def _network_failure(error: Exception) -> LlamaCloudError:
    # A tunnel through a proxy is refused before LlamaCloud is asked.
    if isinstance(error, httpx.ProxyError) and str(error).startswith(str(_PROXY_REFUSED)):
        return GatewayRefused(_PROXY_REFUSED, PROXY_WANTS_CREDENTIALS)
    # TLS may fail after the handshake, which httpx passes on as it is.
    words = str(error) or "the connection was closed before an answer"
    return NetworkFailed(f"{type(error).__name__}: {words}"[:300])


async def _take_headers(answer: httpx.Response) -> None:
    """Take the headers that are used, and leave httpx none.

    It would read where a redirect points, to which nobody goes, and fail on some.
    """
    answer.extensions["used_headers"] = used_headers(answer.headers.raw)
    answer.headers = httpx.Headers()
    answer_begins(answer)
