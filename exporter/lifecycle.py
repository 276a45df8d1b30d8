"""The endpoints that reload and stop the exporter, for those who may: ``web.enable_lifecycle``."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response

from exporter.addresses import QUIT_PATH, RELOAD_PATH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

PATHS: Final = (RELOAD_PATH, QUIT_PATH)
_DISABLED = (
    "The lifecycle endpoints are disabled: set web.enable_lifecycle to true, and restart the"
    " exporter. SIGHUP and SIGTERM do the same.\n"
)
_CROSS_SITE = (
    "Refused: the page of another site sent this request. Send it by curl, or from a page of the"
    " exporter's own address.\n"
)
_HEADERS = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of a reload, in words for whoever asked."""

    status: HTTPStatus
    words: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the endpoints do: ``reload`` returns once it is done, ``quit`` once it has begun."""

    reload: Callable[[], Awaitable[Reloaded]]
    quit: Callable[[], object]


def lifecycle_endpoints(
    lifecycle: Lifecycle | None,
) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """Return the endpoint for each path; all answer 403 where there is no ``lifecycle``."""

    async def disabled(_: Request) -> Response:
        return _forbidden(_DISABLED)

    if lifecycle is None:
        return dict.fromkeys(PATHS, disabled)

    async def reload(request: Request) -> Response:
        if _is_cross_site(request):
            return _forbidden(_CROSS_SITE)
        reloaded = await lifecycle.reload()
        return PlainTextResponse(f"{reloaded.words}\n", reloaded.status, headers=_HEADERS)

    async def quit_(request: Request) -> Response:
        if _is_cross_site(request):
            return _forbidden(_CROSS_SITE)
        # Afterwards, so that whoever asked gets an answer.
        stop = BackgroundTask(lifecycle.quit)
        return PlainTextResponse("Stopping.\n", headers=_HEADERS, background=stop)

    return {RELOAD_PATH: reload, QUIT_PATH: quit_}


def _is_cross_site(request: Request) -> bool:
    """Tell whether a browser sent a request for the page of another site.

    A browser that remembers the password of basic authentication adds it to such requests too.
    """
    host = request.headers.get("host", "")
    origin = request.headers.get("origin", f"//{host}")
    is_foreign = origin.partition("//")[2].lower() != host.lower()
    return is_foreign or request.headers.get("sec-fetch-site") == "cross-site"


def _forbidden(words: str) -> Response:
    return PlainTextResponse(words, HTTPStatus.FORBIDDEN, headers=_HEADERS)
