"""The pages for people: all projects and jobs at ``/``, one job at ``/job``."""

from __future__ import annotations

import secrets
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from exporter.addresses import JOB_PATH, ROOT_PATH, SCRIPT_PATH, STYLE_PATH
from exporter.pages.html import job_page, missing_job_page, status_page
from exporter.pages.selection import BadQueryError, Query, find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from exporter.pages.report import ProjectReport, Source
    from exporter.pages.worker import Worker

    Endpoint = Callable[[Request], Awaitable[Response]]

_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # A browser may keep a page, and asks each time whether it is still the same.
    "Cache-Control": "no-cache",
    **_NO_SNIFFING,
}
_ASSETS = {STYLE_PATH: "text/css", SCRIPT_PATH: "text/javascript"}


def page_endpoints(source: Source, worker: Worker) -> dict[str, Endpoint]:
    """Return the endpoint for each path; ``worker`` writes the pages."""
    tags = _Tags()

    async def answer(
        request: Request, write: Callable[[Sequence[ProjectReport], str], Response]
    ) -> Response:
        reports = source.reports()
        tag = tags.of(reports)
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": tag, **_HEADERS})
        return await worker.answer(partial(write, reports, tag))

    async def status(request: Request) -> Response:
        try:
            query = Query.of(request.query_params)
        except BadQueryError as error:
            return PlainTextResponse(f"{error}.\n", 400, headers=_HEADERS)
        return await answer(
            request, lambda reports, tag: _html(status_page(source, reports, query, tag), tag)
        )

    async def job(request: Request) -> Response:
        project, job_id = (request.query_params.get(name, "") for name in ("project", "job_id"))
        return await answer(request, partial(_job, source, project, job_id))

    return {ROOT_PATH: status, JOB_PATH: job, **{path: _asset(path) for path in _ASSETS}}


class _Tags:
    """Names what the pages are made of: another name each time that it is not as before."""

    def __init__(self) -> None:
        # What was served before a restart has another name.
        self._process = secrets.token_hex(4)
        self._number = 0
        self._reports: Sequence[ProjectReport] = ()

    def of(self, reports: Sequence[ProjectReport]) -> str:
        """Return the ETag of all pages that are made of ``reports``."""
        # What did not change is the same objects: thousands of jobs are compared in no time.
        if reports != self._reports:
            self._number += 1
            self._reports = reports
        return f'"{self._process}-{self._number}"'


def _job(
    source: Source, project: str, job_id: str, reports: Sequence[ProjectReport], tag: str
) -> Response:
    found = find(reports, project, job_id)
    if found is None:
        return _html(missing_job_page(source, reports, tag), tag, 404)
    return _html(job_page(source, reports, found, tag), tag)


def _html(text: str, tag: str, status: int = 200) -> Response:
    body = text.encode("utf-8", "backslashreplace")
    return Response(body, status, media_type="text/html", headers={"ETag": tag, **_HEADERS})


def _asset(path: str) -> Endpoint:
    async def asset(_: Request) -> Response:
        headers = {"Cache-Control": "no-cache", **_NO_SNIFFING}
        return Response(_read(path), media_type=_ASSETS[path], headers=headers)

    return asset


@cache
def _read(path: str) -> bytes:
    return files("exporter.pages").joinpath("assets", path.lstrip("/")).read_bytes()
