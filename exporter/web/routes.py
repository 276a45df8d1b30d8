"""The HTTP application: the exposition, health, pages and their JSON."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.addresses import HEALTHY_PATH, READY_PATH, SCRIPT_PATH, STYLE_PATH
from exporter.pages import endpoints_of
from exporter.pages.project_report import nothing_is_listed
from exporter.web.lifecycle import PATHS as LIFECYCLE_PATHS
from exporter.web.lifecycle import Lifecycle, lifecycle_endpoints
from exporter.web.negotiation import accepts_gzip, choose_form
from exporter.web.readers import Readers
from exporter.web.scrape import MetricsResponse
from exporter.web.targets import TargetMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from exporter.exposition import Form
    from exporter.exposition.snapshot import Published
    from exporter.pages import PageSource

    Endpoint = Callable[[Request], Awaitable[Response]]

_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_UNHEALTHY = (
    "A project is no longer polled: restart the exporter, and see its log for the reason.\n"
)
_NOTHING_LISTED = (
    "Ready, but no project could be listed: the page at / and the log say why, and what to do.\n"
)
_NOT_READY = "The first listing of a project has not ended yet: try again in a few seconds.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is served.

    ``own_metrics`` renders the end of the exposition. ``scraped`` is called with the number of each
    project's view, once for each complete scrape: a GET answered with 200 whose whole body was sent
    before the client left.
    """

    published: Callable[[], Published]
    own_metrics: Callable[[Form], bytes]
    scraped: Callable[[Mapping[str, int]], None]
    healthy: Callable[[], bool]
    ready: Callable[[], bool]
    source: PageSource
    lifecycle: Lifecycle | None = None
    clock: Callable[[], float] = time.monotonic


def build_app(site: Site, gate: Sequence[Middleware] = ()) -> Starlette:
    """Build the application; every request passes the ``gate`` first.

    It answers GET, HEAD and OPTIONS, the lifecycle endpoints POST and OPTIONS. It never redirects.
    """

    async def healthy(_: Request) -> Response:
        return _plain("ok\n") if site.healthy() else _plain(_UNHEALTHY, 503)

    async def ready(_: Request) -> Response:
        if not site.ready():
            return _plain(_NOT_READY, 503)
        return _plain(_NOTHING_LISTED if nothing_is_listed(site.source.reports()) else "ok\n")

    pages = {
        **endpoints_of(site.source),
        site.source.telemetry_path: _metrics(site),
        HEALTHY_PATH: healthy,
        READY_PATH: ready,
    }
    posts = lifecycle_endpoints(site.lifecycle)
    shown = [path for path in (*pages, *posts) if path not in {STYLE_PATH, SCRIPT_PATH}]
    app = Starlette(
        routes=[
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in pages.items()),
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
        ],
        middleware=[Middleware(TargetMiddleware), *gate],
        exception_handlers={404: _not_found(shown), 405: _method_not_allowed},
    )
    app.router.redirect_slashes = False
    return app


def _metrics(site: Site) -> Endpoint:
    readers = Readers(site.published, site.clock)

    async def metrics(request: Request) -> Response:
        form = choose_form(_header(request, "accept"))
        published = readers.choose()
        own = site.own_metrics(form)
        headers = {"Content-Type": form.value, "Vary": "Accept, Accept-Encoding", **_NO_SNIFFING}
        if accepts_gzip(_header(request, "accept-encoding")):
            headers["Content-Encoding"] = "gzip"
            pieces: tuple[bytes, ...] = published.gzipped(form, own)
        else:
            pieces = (*published.lines(form), own)
        headers["Content-Length"] = str(sum(map(len, pieces)))
        if request.method == "HEAD":
            return Response(headers=headers)
        return MetricsResponse(
            pieces,
            headers,
            reading=partial(readers.reading, published),
            sent=partial(site.scraped, published.view_numbers),
        )

    return metrics


def _header(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name))


def _plain(words: str, status: int = 200, headers: Mapping[str, str] = _NO_SNIFFING) -> Response:
    return PlainTextResponse(words, status, headers)


def _not_found(paths: Sequence[str]) -> Callable[[Request, Exception], Response]:
    words = f"Not found. These paths are served: {' '.join(paths)}\n"
    return lambda _, __: _plain(words, 404)


def _method_not_allowed(request: Request, _: Exception) -> Response:
    methods = "POST, OPTIONS" if request.scope["path"] in LIFECYCLE_PATHS else "GET, HEAD, OPTIONS"
    headers = {"Allow": methods, **_NO_SNIFFING}
    if request.method == "OPTIONS":
        # Load balancers check health by OPTIONS, HAProxy by default.
        return Response(status_code=204, headers=headers)
    words = " and ".join(methods.rsplit(", ", 1))
    return _plain(f"Only {words} are answered here.\n", 405, headers)
