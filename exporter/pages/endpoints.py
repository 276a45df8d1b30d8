"""What is served at each path: pages for people, JSON for scripts, and the files beside them."""

from __future__ import annotations

import json
import secrets
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response

from exporter.addresses import (
    JOB_PATH,
    JOBS_PATH,
    OPENAPI_PATH,
    ROOT_PATH,
    SCRIPT_PATH,
    STATUS_PATH,
    STYLE_PATH,
)
from exporter.pages.facts import jobs_answer, status_answer
from exporter.pages.html import job_page, status_page
from exporter.pages.selection import BadQueryError, Query, find
from exporter.pages.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from exporter.pages.project_report import PageSource, ProjectReport

    Endpoint = Callable[[Request], Awaitable[Response]]
    Reports = Sequence[ProjectReport]

_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
_JSON_HEADERS = {"Cache-Control": "no-store", **_NO_SNIFFING}
# A browser may keep the page, and checks each time whether it has changed.
_FILE_HEADERS = {"Cache-Control": "no-cache", **_NO_SNIFFING}
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    **_FILE_HEADERS,
}
_FILES = {
    STYLE_PATH: ("assets/status.css", "text/css"),
    SCRIPT_PATH: ("assets/status.js", "text/javascript"),
    OPENAPI_PATH: ("openapi.yaml", "application/yaml"),
}


def endpoints_of(source: PageSource) -> dict[str, Endpoint]:
    """Return the endpoint for each path; pages and JSON are written in a thread of their own."""
    worker = Worker()
    tags = _Tags()

    async def page(request: Request, write: Callable[[Reports, str], Response]) -> Response:
        reports = source.reports()
        tag = tags.of(reports)
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"ETag": tag, **_PAGE_HEADERS})
        return await worker.answer(partial(write, reports, tag))

    async def status(request: Request) -> Response:
        try:
            query = Query.of(request.query_params)
        except BadQueryError as error:
            return PlainTextResponse(f"{error}.\n", 400, headers=_PAGE_HEADERS)
        return await page(
            request, lambda reports, tag: _html(status_page(source, reports, query, tag), tag)
        )

    async def job(request: Request) -> Response:
        project, job_id = (request.query_params.get(name, "") for name in ("project", "job_id"))

        def write(reports: Reports, tag: str) -> Response:
            found = find(reports, project, job_id)
            return _html(job_page(source, reports, found, tag), tag, 200 if found else 404)

        return await page(request, write)

    async def status_json(_: Request) -> Response:
        reports = source.reports()
        return await worker.answer(lambda: _json(status_answer(source, reports)))

    async def jobs_json(request: Request) -> Response:
        try:
            query = Query.of(request.query_params)
        except BadQueryError as error:
            return _json({"detail": str(error)}, 400)
        reports = source.reports()
        return await worker.answer(lambda: _json(jobs_answer(source, reports, query)))

    return {
        ROOT_PATH: status,
        JOB_PATH: job,
        STATUS_PATH: status_json,
        JOBS_PATH: jobs_json,
        **{path: _file(*file) for path, file in _FILES.items()},
    }


class _Tags:
    """Makes the ETags of the pages: a new one whenever their content has changed."""

    def __init__(self) -> None:
        # Pages that were served before a restart have other ETags.
        self._process = secrets.token_hex(4)
        self._number = 0
        self._reports: Reports = ()

    def of(self, reports: Reports) -> str:
        """Return the ETag of all pages that are made of ``reports``."""
        # Unchanged jobs are the same objects, so comparing thousands takes microseconds.
        if reports != self._reports:
            self._number += 1
            self._reports = reports
        return f'"{self._process}-{self._number}"'


def _html(text: str, tag: str, status: int = 200) -> Response:
    body = text.encode("utf-8", "backslashreplace")
    return Response(body, status, media_type="text/html", headers={"ETag": tag, **_PAGE_HEADERS})


def _json(facts: Mapping[str, Any], status: int = 200) -> Response:
    body = json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(body.encode(), status, media_type="application/json", headers=_JSON_HEADERS)


def _file(name: str, media_type: str) -> Endpoint:
    async def file(_: Request) -> Response:
        return Response(_read(name), media_type=media_type, headers=_FILE_HEADERS)

    return file


@cache
def _read(name: str) -> bytes:
    return files("exporter.pages").joinpath(name).read_bytes()
