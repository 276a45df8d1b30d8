"""A server of v2 on a real socket that answers as a test defines.

What LlamaCloud does is the simulator's matter. Here rows are plain JSON, so that they can be as odd
as a test wants them.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exporter.simulator import serving_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

PROJECT = str(UUID(int=1))
PATHS = {"batches": "/api/v2/batches", "parse": "/api/v2/parse", "extract": "/api/v2/extract"}
NOW = datetime.now(UTC).timestamp()


def at(moment: float) -> str:
    """Write a Unix time as LlamaCloud does."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def batch(batch_id: str = "bat-1", **facts: Any) -> dict[str, Any]:
    """Describe a batch that runs, a minute old."""
    return {
        "id": batch_id,
        "project_id": f"prj-{PROJECT}",
        "source_directory_id": "dir-1",
        "config": {"job": {"type": "parse_v2", "configuration_id": "cfg-1"}},
        "status": "RUNNING",
        "created_at": at(NOW - 60),
        "updated_at": at(NOW - 30),
        "results": None,
        **facts,
    }


def result(
    number: int, kind: str | None = "parse_v2", *, message: str | None = None
) -> dict[str, Any]:
    """Describe an entry of a batch; the file job of file 7 is ``job-7``."""
    reference = None if kind is None else {"type": kind, "id": f"job-{number}"}
    return {
        "source_directory_file_id": f"dfl-{number}",
        "job_reference": reference,
        "error_message": message,
    }


def file_job(number: int, status: str = "RUNNING", **facts: Any) -> dict[str, Any]:
    """Describe a file job that was created 50 s ago and changed 20 s ago."""
    return {
        "id": f"job-{number}",
        "project_id": f"prj-{PROJECT}",
        "status": status,
        "error_message": None,
        "name": f"{number}.pdf",
        "created_at": at(NOW - 50),
        "updated_at": at(NOW - 20),
        **facts,
    }


@dataclass
class Received:
    """A request that arrived."""

    endpoint: str
    path: str
    params: dict[str, str]
    job_ids: list[str]


@dataclass
class BatchesServer:
    """Serves rows; ``answer`` may answer in its place, ``page_cap`` bounds its pages."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    parse: list[dict[str, Any]] = field(default_factory=list)
    extract: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    page_cap: int = 1000
    answer: Callable[[Received], Response | None] = lambda _: None
    base_url: str = ""

    def count(self) -> Counter[str]:
        """Count the requests since the last call, by endpoint."""
        counted = Counter(request.endpoint for request in self.requests)
        self.requests.clear()
        return counted

    async def serve_list(self, request: Request) -> Response:
        """Answer with a page of the rows that the query selects."""
        received = self._note(request)
        if (answer := self.answer(received)) is not None:
            return answer
        rows = getattr(self, received.endpoint)
        if received.job_ids:
            rows = [row for row in rows if row["id"] in received.job_ids]
        for name in ("status", "source_directory_id"):
            if name in received.params:
                rows = [row for row in rows if row[name] == received.params[name]]
        if since := received.params.get("created_at_on_or_after"):
            moment = datetime.fromisoformat(since)
            rows = [row for row in rows if datetime.fromisoformat(row["created_at"]) >= moment]
        start = int(received.params.get("page_token", "0").removeprefix("from-"))
        end = start + min(int(received.params.get("page_size", "100")), self.page_cap)
        listed = [
            {name: None if name == "results" else value for name, value in row.items()}
            for row in rows[start:end]
        ]
        token = f"from-{end}" if end < len(rows) else None
        return JSONResponse({"items": listed, "next_page_token": token})

    async def serve_batch(self, request: Request) -> Response:
        """Answer with one batch, with its results if they are requested."""
        received = self._note(request, "batch")
        if (answer := self.answer(received)) is not None:
            return answer
        for row in self.batches:
            if row["id"] == request.path_params["batch_id"]:
                is_expanded = received.params.get("expand") == "results"
                return JSONResponse(row if is_expanded else {**row, "results": None})
        return JSONResponse({"detail": "Batch not found"}, 404)

    def _note(self, request: Request, endpoint: str = "") -> Received:
        path, query = request.url.path, request.query_params
        endpoint = endpoint or next(name for name, its in PATHS.items() if its == path)
        params = {name: value for name, value in query.items() if name != "job_ids"}
        received = Received(endpoint, path, params, query.getlist("job_ids"))
        self.requests.append(received)
        return received


@contextmanager
def serving_batches() -> Iterator[BatchesServer]:
    """Run such a server."""
    server = BatchesServer()
    lists = [Route(path, server.serve_list) for path in PATHS.values()]
    one = Route(f"{PATHS['batches']}/{{batch_id:path}}", server.serve_batch)
    with serving_in_thread(Starlette(routes=[*lists, one])) as server.base_url:
        yield server
