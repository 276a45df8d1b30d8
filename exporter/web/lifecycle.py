"""The endpoints that reload and stop the exporter, if ``web.enable_lifecycle`` is set."""

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
    """The result of a reload, with the text of the response."""

    status: HTTPStatus
    words: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The functions of the endpoints: ``reload`` returns when done, ``quit`` when begun."""

    reload: Callable[[], Awaitable[Reloaded]]
    quit: Callable[[], object]


def lifecycle_endpoints(
    lifecycle: Lifecycle | None,
) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """Return the endpoint for each path; all answer 403 if there is no ``lifecycle``."""

    def guarded(
        act: Callable[[Lifecycle], Awaitable[Response]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if lifecycle is None:
                return PlainTextResponse(_DISABLED, HTTPStatus.FORBIDDEN, headers=_HEADERS)
            if _is_cross_site(request):
                return PlainTextResponse(_CROSS_SITE, HTTPStatus.FORBIDDEN, headers=_HEADERS)
            return await act(lifecycle)

        return endpoint

    return {RELOAD_PATH: guarded(_reload), QUIT_PATH: guarded(_quit)}


async def _reload(lifecycle: Lifecycle) -> Response:
    reloaded = await lifecycle.reload()
    return PlainTextResponse(f"{reloaded.words}\n", reloaded.status, headers=_HEADERS)


async def _quit(lifecycle: Lifecycle) -> Response:
    # After the answer is sent.
    stop = BackgroundTask(lifecycle.quit)
    return PlainTextResponse("Stopping.\n", headers=_HEADERS, background=stop)


def _is_cross_site(request: Request) -> bool:
    """Return whether a browser sent a request on behalf of another site's page.

    A browser that remembers the password of basic authentication adds it to such requests too.
    """
    host = request.headers.get("host", "")
    origin = request.headers.get("origin", f"//{host}")
    is_foreign = origin.partition("//")[2].lower() != host.lower()
    return is_foreign or request.headers.get("sec-fetch-site") == "cross-site"
