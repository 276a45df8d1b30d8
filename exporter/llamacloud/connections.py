"""HTTP connections: by the right proxy, bounded in time, and with typed errors."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Final, Self

import httpx

from exporter.llamacloud.bodies import ACCEPTED_ENCODING
from exporter.llamacloud.certificates import Certificates
from exporter.llamacloud.errors import (
    BadResponse,
    ConnectTimedOut,
    GatewayRefused,
    RequestTimedOut,
)
from exporter.llamacloud.headers import used_headers
from exporter.llamacloud.network_errors import network_failure
from exporter.llamacloud.pools import Pools
from exporter.llamacloud.proxies import Proxies, Proxy, described, unusable
from exporter.llamacloud.refusals import PROXY_WANTS_CREDENTIALS
from exporter.llamacloud.streams import answer_begins, guard

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterable, Iterator

    from exporter.llamacloud.requests import Query

_CONNECT_TIMEOUT_SECONDS = 10.0
# The share of a request's time limit that TCP and TLS may each take.
_LARGEST_SHARE_OF_CONNECTING = 0.5
# Longer than usual intervals, so that a poll need not resolve names and connect again.
_KEPT_FOR_SECONDS = 120.0
_PROXY_REFUSED: Final = HTTPStatus.PROXY_AUTHENTICATION_REQUIRED.value


@dataclass(frozen=True, slots=True)
class _Way:
    """How servers are reached: through which proxy, if any, and with which trusted certificates."""

    proxy: Proxy | None
    tls: ssl.SSLContext


class _NoCookies(CookieJar):
    """Ignores all cookies: projects that share a key must never share a session."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Ignore the cookies of a response."""


class Connections:
    """The connection pools of all keys, able to reach ``base_urls``; ``async with`` closes them.

    In a pool, each server has connections of its own. Without ``proxies`` those of the environment
    are used, and without ``tls_context`` the certificates that it names. ``tls_strict`` checks
    certificates as strictly as RFC 5280, which Python does by default from 3.13 on.

    Raises:
        BadEnvironmentError: the environment names certificates, or a proxy to one of ``base_urls``,
            that cannot be used, or the installed versions of httpx and httpcore cannot be guarded.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        base_urls: Iterable[str] = (),
        proxies: Proxies | None = None,
        tls_strict: bool = True,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._proxies = proxies or Proxies(os.environ)
        # It reads what SSL_CERT_FILE names, else SSL_CERT_DIR, else the certificates of certifi.
        load = httpx.create_ssl_context if tls_context is None else lambda: tls_context
        self.certificates = Certificates(load, os.environ, is_strict=tls_strict)
        self._new_pool = partial(_new_pool, user_agent)
        self._pools = Pools(self._new_pool, kept_for_seconds=_KEPT_FOR_SECONDS)
        self.check(base_urls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pools.aclose()

    def check(self, base_urls: Iterable[str]) -> None:
        """Raise a ``BadEnvironmentError`` if the proxy to one of ``base_urls`` cannot be used."""
        for proxy in {None, *map(self._proxies.of, base_urls)}:
            try:
                self._new_pool(_Way(proxy, self.certificates.context()))
            except (ValueError, httpx.InvalidURL) as error:
                raise (unusable(proxy.variable) if proxy else error) from None

    @asynccontextmanager
    async def get(
        self, url: str, *, api_key: str, params: Query, timeout_seconds: float
    ) -> AsyncIterator[httpx.Response]:
        """Yield the answer to a GET, whose body must be read within the same time.

        Raises what ``exchange`` does, also while the body is read.
        """
        connect = min(_CONNECT_TIMEOUT_SECONDS, _LARGEST_SHARE_OF_CONNECTING * timeout_seconds)
        timeout = httpx.Timeout(timeout_seconds, connect=connect)
        headers = {"Authorization": f"Bearer {api_key}"}
        way = _Way(self._proxies.of(url), self.certificates.context())
        where = described(url, way.proxy)
        # httpx bounds each read, asyncio the whole request: otherwise a slow drip would never end.
        with _typed_errors(where, timeout):
            async with (
                self._pools.of(api_key, way) as pool,
                asyncio.timeout(timeout_seconds),
                pool.stream("GET", url, params=params, headers=headers, timeout=timeout) as got,
            ):
                yield got


def _new_pool(user_agent: str, way: _Way) -> httpx.AsyncClient:
    pool = httpx.AsyncClient(
        headers={
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED_ENCODING,
        },
        cookies=_NoCookies(),
        verify=way.tls,
        proxy=_httpx_proxy(way),
        # Proxies and Certificates read the environment.
        trust_env=False,
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


def _httpx_proxy(way: _Way) -> httpx.Proxy | None:
    if way.proxy is None:
        return None
    url = httpx.URL(way.proxy.url)
    # Otherwise a proxy that speaks TLS would be checked without SSL_CERT_FILE.
    return httpx.Proxy(url, ssl_context=way.tls if url.scheme == "https" else None)


@contextmanager
def _typed_errors(where: str, timeout: httpx.Timeout) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise ConnectTimedOut(f"no connection to {where} within {timeout.connect:g} s") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise RequestTimedOut(f"no answer from {where} within {timeout.read:g} s") from error
    # Libraries raise many kinds: a thread that cannot be started is a RuntimeError, for instance.
    except (httpx.RequestError, OSError, OverflowError, RuntimeError, ExceptionGroup) as error:
        # The proxy refused the tunnel, before any request to LlamaCloud.
        if isinstance(error, httpx.ProxyError) and str(error).startswith(str(_PROXY_REFUSED)):
            raise GatewayRefused(_PROXY_REFUSED, PROXY_WANTS_CREDENTIALS) from error
        raise network_failure(error, where) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise BadResponse(f"no request can be sent to this address: {error}"[:300]) from error


async def _take_headers(answer: httpx.Response) -> None:
    """Keep the headers that are used, and remove all others.

    httpx would parse the target of a redirect although it is not followed, and fail on some.
    """
    answer.extensions["used_headers"] = used_headers(answer.headers.raw)
    answer.headers = httpx.Headers()
    answer_begins(answer)
