"""The exporter's HTTP side: the exposition, its health, and a page that leads to both."""

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
from exporter.lifecycle import PATHS as LIFECYCLE_PATHS
from exporter.lifecycle import Lifecycle, lifecycle_endpoints
from exporter.negotiation import accepts_gzip, choose_form
from exporter.pages import ProjectReport, Source, endpoints_of
from exporter.pages.report import nothing_is_listed
from exporter.readers import Readers
from exporter.scrape import Scrape
from exporter.targets import TargetMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from exporter.exposition import Form
    from exporter.snapshot import Published

    Endpoint = Callable[[Request], Awaitable[Response]]

_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_UNHEALTHY = (
    "A project is no longer polled: restart the exporter, and see its log for the reason.\n"
)
_NOTHING_LISTED = (
    "Ready, but no project could be listed: the page at / and the log say why, and what to do.\n"
)
_NOT_READY = "Not every project was asked for its jobs yet: try again in a few seconds.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages are made of.

    ``own_metrics`` renders the end of the exposition. ``scraped`` is called, with the generation
    of each project, once for each complete scrape: a GET answered with 200 whose body was handed
    over while the client was still there.
    """

    telemetry_path: str
    published: Callable[[], Published]
    own_metrics: Callable[[Form], bytes]
    scraped: Callable[[Mapping[str, int]], None]
    healthy: Callable[[], bool]
    ready: Callable[[], bool]
    version: str
    reports: Callable[[], Sequence[ProjectReport]]
    clean: Callable[[str], str]
    lifecycle: Lifecycle | None = None
    clock: Callable[[], float] = time.monotonic


def build_app(site: Site, gate: Sequence[Middleware] = ()) -> Starlette:
    """Build the application; it redirects nothing. Every request passes the ``gate`` first.

    It answers GET, HEAD and OPTIONS, and POST where that does something.
    """
    source = Source(site.reports, site.clean, site.version, site.telemetry_path)
    pages = {
        **endpoints_of(source),
        site.telemetry_path: _metrics(site),
        HEALTHY_PATH: _state(site.healthy, _UNHEALTHY),
        READY_PATH: _state(site.ready, _NOT_READY, lambda: _ready_words(site.reports())),
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
        return Scrape(
            pieces,
            headers,
            reading=partial(readers.reading, published),
            handed_over=partial(site.scraped, published.generations),
        )

    return metrics


def _header(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name))


def _state(
    holds: Callable[[], bool], otherwise: str, words: Callable[[], str] = lambda: "ok\n"
) -> Endpoint:
    async def state(_: Request) -> Response:
        if holds():
            return PlainTextResponse(words(), headers=_NO_SNIFFING)
        return PlainTextResponse(otherwise, 503, headers=_NO_SNIFFING)

    return state


def _ready_words(reports: Sequence[ProjectReport]) -> str:
    is_empty = nothing_is_listed([report.status for report in reports])
    return _NOTHING_LISTED if is_empty else "ok\n"


def _not_found(paths: Sequence[str]) -> Callable[[Request, Exception], Response]:
    words = f"There is nothing here. What there is: {' '.join(paths)}\n"

    def not_found(_: Request, __: Exception) -> Response:
        return PlainTextResponse(words, 404, headers=_NO_SNIFFING)

    return not_found


def _method_not_allowed(request: Request, _: Exception) -> Response:
    methods = "POST, OPTIONS" if request.scope["path"] in LIFECYCLE_PATHS else "GET, HEAD, OPTIONS"
    headers = {"Allow": methods, **_NO_SNIFFING}
    if request.method == "OPTIONS":
        # Load balancers check health by it, HAProxy unless told otherwise.
        return Response(status_code=204, headers=headers)
    words = " and ".join(methods.rsplit(", ", 1))
    return PlainTextResponse(f"Only {words} are answered here.\n", 405, headers=headers)
