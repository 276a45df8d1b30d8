"""LlamaCloud's batch endpoints, of both generations, over a world."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator.endpoints import PATHS, QUERIES, read, version_of
from exporter.simulator.fault_answers import (
    UNANSWERED,
    client_left,
    error_answer,
    fault_answer,
)
from exporter.simulator.faults import Faults
from exporter.simulator.odd_rows import with_odd_row
from exporter.simulator.paging import Paging
from exporter.simulator.queries import parameters, problems
from exporter.simulator.refusals import RefusedError
from exporter.simulator.v2.style import V2Style
from exporter.simulator.v2.tokens import TokenPaging

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.simulator.endpoints import ApiVersion
    from exporter.simulator.faults import Endpoint, Fault
    from exporter.simulator.odd_rows import OddRow
    from exporter.simulator.rate_limit import RateLimit
    from exporter.simulator.world import World

_REQUESTS_KEPT = 100_000


@dataclass(slots=True)
class RecordedRequest:
    """A request as it arrived, without its key.

    ``job_id`` is that of the path, also a batch's; ``job_ids`` are the file jobs requested.
    ``status`` is ``None`` until it is answered, 499 if the connection was closed instead. ``fault``
    is the fault that it got, and ``odd_row`` the odd value in its answer.
    """

    endpoint: Endpoint
    job_id: str | None
    params: dict[str, str]
    user_agent: str
    job_ids: list[str] = field(default_factory=list)
    arrived_monotonic: float = field(default_factory=time.monotonic)
    fault: Fault | None = None
    odd_row: OddRow | None = None
    status: int | None = None


class Simulator:
    """Serves a world through ``app``; every part may be replaced while it runs.

    ``withdrawn`` holds the generations that are not offered, with the error code of each, such as
    404. A generation that is deleted from it is offered again.
    """

    def __init__(
        self,
        world: World,
        *,
        faults: Faults | None = None,
        jobs_paging: Paging | None = None,
        items_paging: Paging | None = None,
        batches_paging: TokenPaging | None = None,
        file_jobs_paging: TokenPaging | None = None,
        v2: V2Style | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.world = world
        self.faults = faults or Faults()
        self.jobs_paging = jobs_paging or Paging()
        self.items_paging = items_paging or Paging(order="oldest")
        self.batches_paging = batches_paging or TokenPaging()
        self.file_jobs_paging = file_jobs_paging or TokenPaging()
        self.v2 = v2 or V2Style()
        self.withdrawn: dict[ApiVersion, int] = {}
        self.rate_limit = rate_limit
        self.send_date = True
        self.requests: list[RecordedRequest] = []
        self.app: ASGIApp = self._with_date(_routes(self))

    async def answer(self, request: Request, *, endpoint: Endpoint) -> Response:
        """Answer one request, wrongly if it gets a fault."""
        recorded = self._record(request, endpoint)
        fault = self.faults.take(endpoint, recorded.job_id, self._project_asked_for(request))
        recorded.fault = fault
        response = await self._faulty(request, fault) if fault else None
        if response is None:
            response = self._true_answer(request, endpoint)
            if fault and fault.kind == "odd_row":
                response, recorded.odd_row = with_odd_row(response, fault)
            response.headers.update(fault.headers if fault else {})
        recorded.status = response.status_code
        return response

    def _record(self, request: Request, endpoint: Endpoint) -> RecordedRequest:
        recorded = RecordedRequest(
            endpoint=endpoint,
            job_id=request.path_params.get("job_id"),
            params={k: v for k, v in request.query_params.items() if k != "job_ids"},
            user_agent=request.headers.get("user-agent", ""),
            job_ids=request.query_params.getlist("job_ids"),
        )
        if len(self.requests) >= _REQUESTS_KEPT:
            del self.requests[: _REQUESTS_KEPT // 2]
        self.requests.append(recorded)
        return recorded

    def _project_asked_for(self, request: Request) -> str | None:
        return request.query_params.get("project_id") or self.world.keys.get(_key(request))

    async def _faulty(self, request: Request, fault: Fault) -> Response | None:
        wait_for = None if fault.kind == "hang" else fault.seconds
        if wait_for != 0 and await client_left(request, wait_for):
            return Response(status_code=UNANSWERED)
        return fault_answer(fault, str(request.url))

    def _true_answer(self, request: Request, endpoint: Endpoint) -> Response:
        withdrawn = self.withdrawn.get(version_of(endpoint))
        if withdrawn is not None:
            return error_answer(withdrawn)
        key = _key(request)
        if key not in self.world.keys:
            return error_answer(401)
        if self.rate_limit is not None and not self.rate_limit.admits(key):
            return error_answer(429)
        try:
            return JSONResponse(self._read(request, endpoint, key))
        except ValidationError as error:
            return JSONResponse({"detail": problems(error)}, status_code=422)
        except RefusedError as error:
            return JSONResponse({"detail": error.detail}, status_code=error.code)

    def _read(self, request: Request, endpoint: Endpoint, key: str) -> dict[str, Any]:
        understood = QUERIES[endpoint]
        query = understood.model_validate(parameters(request.query_params, understood))
        project_id = str(query.project_id or self.world.keys[key])
        if project_id not in self.world.projects_of(key):
            raise RefusedError(404, "Project not found")
        return read(self, query, request.path_params.get("job_id", ""), project_id)

    def _with_date(self, app: ASGIApp) -> ASGIApp:
        """Set the ``Date`` of every answer by the world's clock, as the exporter follows it."""

        async def dated(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_dated(message: Message) -> None:
                if message["type"] == "http.response.start" and self.send_date:
                    date = formatdate(self.world.clock(), usegmt=True)
                    MutableHeaders(scope=message).setdefault("date", date)
                await send(message)

            await app(scope, receive, send_dated)

        return dated


def _routes(simulator: Simulator) -> Starlette:
    routes = [
        Route(path, partial(simulator.answer, endpoint=endpoint), methods=["GET"])
        for endpoint, path in PATHS.items()
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _as_json})


async def _as_json(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    """Answer unknown paths and methods in JSON, as LlamaCloud does."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": error.detail}, status_code=error.status_code)


def _key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else ""
