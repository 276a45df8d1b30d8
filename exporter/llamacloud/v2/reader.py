"""Single requests to the batches API of generation v2."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from exporter.domain.ids import contradicts
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.pages import mismatch_of
from exporter.llamacloud.reader import ProjectReader
from exporter.llamacloud.v2.batches import batch_mismatch, file_job_of, job_of, results_of
from exporter.llamacloud.v2.decoding import read_batch, read_batches
from exporter.llamacloud.v2.endpoints import V2Endpoint
from exporter.llamacloud.v2.file_job_decoding import read_extract_jobs, read_parse_jobs
from exporter.llamacloud.v2.ids_at_a_time import IdsAtATime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.domain import Job
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.errors import StatusRefused
    from exporter.llamacloud.pages import Page
    from exporter.llamacloud.requests import Query
    from exporter.llamacloud.v2.batches import FileJob, Result

_BATCHES_PATH = "/api/v2/batches"
_FILE_JOBS: Final = {
    V2Endpoint.LIST_PARSE_JOBS: ("/api/v2/parse", read_parse_jobs),
    V2Endpoint.LIST_EXTRACT_JOBS: ("/api/v2/extract", read_extract_jobs),
}
# The default and the largest size are not documented; the vendor's own poller requests this one.
_PAGE_SIZE = 100
_TOKEN_REFUSED_WITH = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class BatchFetched:
    """One batch; ``results`` are ``None`` if it has none yet, or they were not requested."""

    job: Job
    results: Mapping[str, Result] | None
    results_unreadable: int
    asked_monotonic: float
    answered_at: float


class Reader(ProjectReader):
    """Reads pages and single batches of one project."""

    def __init__(
        self,
        client: Client,
        scope: Mapping[str, str],
        *,
        project: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            client,
            scope,
            project=project,
            size_parameter="page_size",
            sizes=(_PAGE_SIZE,),
            clock=clock,
        )
        self.ids_at_a_time = IdsAtATime(self.log, clock=clock)

    async def batches_page(self, filters: Mapping[str, str], token: str | None) -> Page[Job]:
        """List a page of the batches that query parameters select."""
        page = await self._get_page(
            V2Endpoint.LIST_BATCHES, _BATCHES_PATH, _with_token(filters, token), read_batches
        )
        requested = {**self._scope, **filters}
        return self._matching(
            page,
            lambda row: batch_mismatch(row, requested),
            lambda row: job_of(row, self.known_values, page.answered_at, job_id=row.id),
        )

    async def batch(self, job_id: str, *, with_results: bool) -> BatchFetched:
        """Fetch one batch.

        Raises:
            NotFound: LlamaCloud does not know the batch (or a gateway says so).
            BadResponse: the answer cannot be read, or is about another batch or project.
            LlamaCloudError: it could not be fetched.
        """
        path = f"{_BATCHES_PATH}/{quote(job_id, safe='')}"
        expanded = {"expand": "results"} if with_results else {}
        answer = await self._get(V2Endpoint.BATCH, path, expanded)
        batch = read_batch(answer.body)
        self.left_out.record_unreadable(V2Endpoint.BATCH, batch.unreadable, job_id)
        if contradicts(job_id, batch.row.id):
            raise BadResponse("the answer is about another batch")
        if mismatch_of(batch.row, self._scope):
            raise BadResponse("the answer is about a batch of another project")
        return BatchFetched(
            job=job_of(batch.row, self.known_values, answer.answered_at, job_id=job_id),
            results=None if batch.results is None else results_of(batch.results, self.known_values),
            results_unreadable=batch.unreadable.rows,
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    async def file_jobs_page(
        self, endpoint: V2Endpoint, ids: Sequence[str], token: str | None
    ) -> Page[FileJob]:
        """List a page of the file jobs with these ids.

        A body that breaks off is not requested again unless it is about a single id.
        """
        path, read = _FILE_JOBS[endpoint]
        page = await self._get_page(
            endpoint,
            path,
            _with_token({"job_ids": list(ids)}, token),
            read,
            most_rows=len(ids),
            retries_bodies=len(ids) == 1,
        )
        return self._matching(
            page,
            lambda row: mismatch_of(row, self._scope),
            lambda row: file_job_of(row, self.known_values, page.answered_at),
        )


def is_refused_token(error: StatusRefused, token: str | None) -> bool:
    """Return whether a request may have failed because its page token has expired."""
    return token is not None and error.code in _TOKEN_REFUSED_WITH


def _with_token(params: Query, token: str | None) -> Query:
    return params if token is None else {**params, "page_token": token}
