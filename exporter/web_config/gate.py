"""What every request passes: the rate limit, then the headers, then basic authentication."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse

from exporter.addresses import HEALTHY_PATH, READY_PATH
from exporter.web_config.passwords import Passwords, TooManyChecksError
from exporter.web_config.rate import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.web_config.loading import WebConfig
    from exporter.web_config.model import RateLimitSection

# They say no more than whether the exporter works, and kubelets have no password.
OPEN_PATHS: Final = (HEALTHY_PATH, READY_PATH)
_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_TOO_MANY = PlainTextResponse("Too Many Requests\n", 429, headers=_NO_SNIFFING)
_UNAUTHORIZED = PlainTextResponse(
    "Unauthorized\n", 401, headers={"WWW-Authenticate": "Basic", **_NO_SNIFFING}
)
_BUSY = PlainTextResponse(
    "Too many passwords are being checked: try again in some seconds.\n",
    503,
    headers={"Retry-After": "5", **_NO_SNIFFING},
)


class GateMiddleware:
    """Hands on the requests that the web configuration in force allows.

    ``current`` returns it; it is asked once for each request. The scope's path must be the one by
    which the application chooses what it does.
    """

    def __init__(
        self,
        app: ASGIApp,
        current: Callable[[], WebConfig],
        passwords: Passwords | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._current = current
        self._passwords = passwords or Passwords()
        self._clock = clock
        self._bucket: TokenBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        config = self._current()
        is_open = scope["path"] in OPEN_PATHS
        if not is_open and not self._is_within(config.rate_limit):
            await _TOO_MANY(scope, receive, send)
            return
        answer = self._app if is_open else await self._authenticated(config.users, scope)
        await answer(scope, receive, _with_headers(send, config.headers))

    def _is_within(self, limit: RateLimitSection) -> bool:
        if not limit.interval:
            self._bucket = None
            return True
        if self._bucket is None or self._bucket.limit != limit:
            self._bucket = TokenBucket(limit, self._clock)
        return self._bucket.take()

    async def _authenticated(self, users: Mapping[bytes, bytes], scope: Scope) -> ASGIApp:
        """Return what answers a request: the application, or a refusal."""
        if not users:
            return self._app
        given = (value for name, value in scope["headers"] if name == b"authorization")
        try:
            right = await self._passwords.are_right(users, next(given, b""), _host_of(scope))
        except TooManyChecksError:
            return _BUSY
        return self._app if right else _UNAUTHORIZED


def _host_of(scope: Scope) -> str:
    """Return the address of the client, empty where the server does not know it."""
    client: tuple[str, int] | None = scope["client"]
    return "" if client is None else client[0]


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Add headers to an answer; those that it has of its own, such as a page's policy, stay."""
    if not headers:
        return send

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            added = [(name.encode(), value.encode()) for name, value in headers.items()]
            kept = [(name, value) for name, value in added if name.lower() not in own]
            message = {**message, "headers": [*message["headers"], *kept]}
        await send(message)

    return send_with_headers
