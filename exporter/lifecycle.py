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
_HEADERS = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The result of a reload, with the text of the response."""

    status: HTTPStatus
    words: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What the endpoints do; ``reload`` returns when it is done, ``quit`` when it has begun."""

    reload: Callable[[], Awaitable[Reloaded]]
    quit: Callable[[], object]


def lifecycle_endpoints(
    lifecycle: Lifecycle | None,
) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """Return the endpoint for each path; all answer 403 where there is no ``lifecycle``."""

    async def refuse(_: Request) -> Response:
        return PlainTextResponse(_DISABLED, HTTPStatus.FORBIDDEN, headers=_HEADERS)

    if lifecycle is None:
        return dict.fromkeys(PATHS, refuse)

    async def reload(_: Request) -> Response:
        reloaded = await lifecycle.reload()
        return PlainTextResponse(f"{reloaded.words}\n", reloaded.status, headers=_HEADERS)

    async def quit_(_: Request) -> Response:
        # After the response, so that the client gets it.
        stop = BackgroundTask(lifecycle.quit)
        return PlainTextResponse("Stopping.\n", headers=_HEADERS, background=stop)

    return {RELOAD_PATH: reload, QUIT_PATH: quit_}
