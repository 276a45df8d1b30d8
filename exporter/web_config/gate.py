"""The checks of every request: the rate limit, and then basic authentication; and the headers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse

from exporter.addresses import HEALTHY_PATH, READY_PATH
from exporter.web_config.passwords import Passwords, TooManyChecksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.web_config.loading import LoadedWebConfig
    from exporter.web_config.sections import RateLimitSection

# They reveal only whether the exporter works, and kubelets have no password.
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
    """Passes on the requests that the web configuration in force allows.

    ``current`` returns that configuration, once for each request. The middleware must see the same
    path as the router.
    """

    def __init__(self, app: ASGIApp, current: Callable[[], LoadedWebConfig]) -> None:
        self._app = app
        self._current = current
        self._passwords = Passwords()
        self._bucket: TokenBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        config = self._current()
        is_open = scope["path"] in OPEN_PATHS
        if not is_open and not self._is_within(config.rate_limit):
            await _TOO_MANY(scope, receive, send)
            return
        answer = self._app if is_open else await self._authenticated(config.users, scope)
        await answer(scope, receive, _with_headers(send, config.headers))

    def _is_within(self, limit: RateLimitSection) -> bool:
        if self._bucket is None or self._bucket.limit != limit:
            self._bucket = TokenBucket(limit)
        return self._bucket.allows()

    async def _authenticated(self, users: Mapping[bytes, bytes], scope: Scope) -> ASGIApp:
        """Return the application, or a refusal of the request."""
        if not users:
            return self._app
        given = (value for name, value in scope["headers"] if name == b"authorization")
        client = scope["client"][0] if scope["client"] else ""
        try:
            right = await self._passwords.are_right(users, next(given, b""), client)
        except TooManyChecksError:
            return _BUSY
        return self._app if right else _UNAUTHORIZED


class TokenBucket:
    """Allows ``limit.burst`` requests at once, and one more for each interval that has passed.

    Without an interval it allows all. Go's rate package does the same.
    """

    def __init__(
        self, limit: RateLimitSection, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._counted_at = clock()

    def allows(self) -> bool:
        """Return whether a request may pass, and use a token if so."""
        if not self.limit.interval:
            return True
        now = self._clock()
        earned = (now - self._counted_at) / self.limit.interval
        self._tokens = min(self._tokens + earned, float(self.limit.burst))
        self._counted_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Add headers to an answer, except those that it already has, such as a page's policy."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered = MutableHeaders(scope=message)
            for name, value in headers.items():
                answered.setdefault(name, value)
        await send(message)

    return send_with_headers if headers else send
