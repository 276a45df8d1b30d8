"""The HTTP beneath: one GET, bounded in time and size, and every way in which it can fail typed."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, TypeAlias

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
    LlamaCloudError,
    NetworkFailed,
    RequestTimedOut,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

_CONNECT_TIMEOUT_SECONDS = 10.0
# Of the time for a request: TCP and TLS may each take so much before it ends.
_LARGEST_SHARE_OF_CONNECTING = 0.5
# Longer than the usual intervals: each poll would look up names and shake hands again otherwise.
_KEPT_FOR_SECONDS = 120.0

Connections: TypeAlias = httpx.AsyncClient


def open_connections(user_agent: str, *, tls_context: ssl.SSLContext | None = None) -> Connections:
    """Make the connection pool that all projects share; ``async with`` closes it.

    Without ``tls_context`` the certificates are loaded that the environment names.

    Raises:
        BadEnvironmentError: the environment names proxies or certificates that cannot be used.
    """
    # Projects share connections but must never share a session: no cookie is kept.
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
    try:
        return httpx.AsyncClient(
            headers={
                "User-Agent": user_agent,
                "Accept": "application/json",
                "Accept-Encoding": ACCEPTED_ENCODING,
            },
            cookies=no_cookies,
            verify=True if tls_context is None else tls_context,
            follow_redirects=False,
            event_hooks={"response": [_hide_redirect]},
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=100,
                keepalive_expiry=_KEPT_FOR_SECONDS,
            ),
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise bad_proxies() or error from None
    except OSError as error:
        raise bad_certificates() or error from None


@dataclass(slots=True)
class Received:
    """As much of an answer as has come; ``code`` is 0 before its status.

    ``headers`` are named in lower case.
    """

    code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def exchange(
    connections: Connections,
    url: str,
    *,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    timeout_seconds: float,
) -> Received:
    """Get ``url``, whatever its status is.

    Raises:
        ConnectTimedOut: there was no connection in time.
        RequestTimedOut: there was no whole answer in time.
        NetworkFailed: there was none at all, or it was cut off.
        UnreadableBody: there was a 200 whose body is too large, or not what its encoding says.
        BadResponse: there cannot be an answer from such a URL.
    """
    received = Received()
    timeout = _timeout(timeout_seconds)
    try:
        # httpx bounds each read, asyncio the whole: a slow drip would never end otherwise.
        with _typed_errors(timeout):
            async with (
                asyncio.timeout(timeout_seconds),
                connections.stream(
                    "GET", url, params=params, headers=headers, timeout=timeout
                ) as response,
            ):
                received.headers = {**response.headers, **response.extensions.get("redirect", {})}
                received.code = response.status_code
                answered = received.code == HTTPStatus.OK
                received.body = await read_body(
                    response.aiter_raw(),
                    response.headers.get("content-encoding", ""),
                    LONGEST_ANSWER_BYTES if answered else LONGEST_REFUSAL_BYTES,
                )
    except LlamaCloudError:
        # A refusal is one also where its explanation does not come, or has no end.
        if received.code in {0, HTTPStatus.OK}:
            raise
    return received


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
        # TLS may fail after the handshake, which httpx passes on as it is.
        words = str(error) or "the connection was closed before an answer"
        raise NetworkFailed(f"{type(error).__name__}: {words}"[:300]) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise BadResponse(f"an address that cannot be asked: {error}"[:300]) from error


async def _hide_redirect(response: httpx.Response) -> None:
    """Keep httpx from reading where a redirect points: nobody goes there, and it fails on some."""
    if response.has_redirect_location:
        response.extensions["redirect"] = {"location": response.headers.pop("location")}
