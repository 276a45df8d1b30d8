"""The JSON under ``/api/v1``: ``openapi.yaml`` describes it."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from exporter.addresses import JOBS_PATH, OPENAPI_PATH, STATUS_PATH
from exporter.pages.facts import FactWriter
from exporter.pages.report import nothing_is_listed
from exporter.pages.selection import BadQueryError, Query, select

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from exporter.pages.report import ProjectReport, Source
    from exporter.pages.worker import Worker

    Endpoint = Callable[[Request], Awaitable[Response]]

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def api_endpoints(source: Source, worker: Worker) -> dict[str, Endpoint]:
    """Return the endpoint for each path; ``worker`` writes the answers."""

    async def status(_: Request) -> Response:
        reports = source.reports()
        return await worker.answer(lambda: _json(_status(source, reports)))

    async def jobs(request: Request) -> Response:
        try:
            query = Query.of(request.query_params)
        except BadQueryError as error:
            return _json({"detail": str(error)}, 400)
        reports = source.reports()
        return await worker.answer(lambda: _json(_jobs(source, reports, query)))

    async def openapi(_: Request) -> Response:
        return Response(_openapi(), media_type="application/yaml", headers=_HEADERS)

    return {STATUS_PATH: status, JOBS_PATH: jobs, OPENAPI_PATH: openapi}


def _status(source: Source, reports: Sequence[ProjectReport]) -> dict[str, Any]:
    writer = FactWriter(source.clean)
    return {
        "version": source.version,
        "nothing_listed": nothing_is_listed([report.status for report in reports]),
        "projects": [writer.project(report) for report in reports],
    }


def _jobs(source: Source, reports: Sequence[ProjectReport], query: Query) -> dict[str, Any]:
    selection, writer = select(reports, query), FactWriter(source.clean)
    return {
        "page": selection.page,
        "per_page": query.per_page,
        "pages": selection.pages,
        "total": selection.total,
        "jobs": [writer.job(report, job) for report, job in selection.jobs],
    }


def _json(facts: Mapping[str, Any], status: int = 200) -> Response:
    body = json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(body.encode(), status, media_type="application/json", headers=_HEADERS)


@cache
def _openapi() -> bytes:
    return files("exporter.pages").joinpath("openapi.yaml").read_bytes()
