"""One request to the batches API of generation v2, and its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import structlog

from exporter.domain.ids import contradicts
from exporter.llamacloud.errors import BadResponse, Unprocessable
from exporter.llamacloud.known_values import KnownValues
from exporter.llamacloud.page_sizes import PageSizes
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.unread import LeftOut
from exporter.llamacloud.v2.batches import contradiction, job_of
from exporter.llamacloud.v2.decoding import read_batch, read_batches
from exporter.llamacloud.v2.file_job_pages import read_extract_jobs, read_parse_jobs
from exporter.llamacloud.v2.ids_at_a_time import IdsAtATime
from exporter.llamacloud.v2.pages import BatchesPage, BatchFetched, FileJobsPage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.domain import Job
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Answer, Query, RequestObserver
    from exporter.llamacloud.rows import NotAskedFor
    from exporter.llamacloud.v2.queries import BatchQuery

_BATCHES_PATH = "/api/v2/batches"
_FILE_JOBS: Final = {
    Endpoint.LIST_PARSE_JOBS: ("/api/v2/parse", read_parse_jobs),
    Endpoint.LIST_EXTRACT_JOBS: ("/api/v2/extract", read_extract_jobs),
}
# Nothing documents the default nor the greatest size; the vendor's own poller asks for so many.
_PAGE_SIZE = 100


class Learnt:
    """What is kept from one request to the next: sizes that work, and what was logged."""

    def __init__(
        self,
        observer: RequestObserver,
        project: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        log = structlog.get_logger("exporter")
        log = log if project is None else log.bind(project=project)
        self.left_out = LeftOut(observer, log)
        self.known_values = KnownValues(log)
        self.page_sizes = PageSizes("page_size", (_PAGE_SIZE,), log, clock)
        self.ids_at_a_time = IdsAtATime(log, clock=clock)


class Reader:
    """Reads pages and single batches of one project, the first by ``permit`` if there is one.

    ``scope`` is what each request says of the project.
    """

    def __init__(
        self,
        client: Client,
        scope: Mapping[str, str],
        learnt: Learnt,
        permit: Permit | None = None,
    ) -> None:
        self.learnt = learnt
        self._client = client
        self._scope = scope
        self._permit = permit

    async def batches_page(self, query: BatchQuery, token: str | None) -> BatchesPage:
        """List a page of the batches that a query asks for."""
        filters = {**self._scope, **query.filters()}
        answer = await self._get_page(Endpoint.LIST_BATCHES, _BATCHES_PATH, filters, token)
        page = read_batches(answer.body)
        self.learnt.left_out.unread(Endpoint.LIST_BATCHES, page.unread)
        not_asked_for: list[NotAskedFor] = []
        jobs: list[Job] = []
        for row in page.rows:
            if contradicted := contradiction(row, filters, query.created_since):
                not_asked_for.append(contradicted)
                self.learnt.left_out.not_asked_for(contradicted.filter, row.id)
            else:
                known = self.learnt.known_values
                jobs.append(job_of(row, known, answer.answered_at, job_id=row.id))
        return BatchesPage(
            jobs=jobs,
            not_asked_for=not_asked_for,
            rows_unread=page.unread.rows,
            sent=page.sent,
            next_token=page.next_token,
            is_token_unread=page.is_token_unread,
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
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
        answer = await self._client.get(
            Endpoint.BATCH, path, {**self._scope, **expanded}, self._permit
        )
        batch = read_batch(answer.body)
        self.learnt.left_out.unread(Endpoint.BATCH, batch.unread, job_id)
        if contradicts(job_id, batch.row.id):
            raise BadResponse("the answer is about another batch")
        if contradiction(batch.row, self._scope):
            raise BadResponse("the answer is about a batch of another project")
        known = self.learnt.known_values
        return BatchFetched(
            job=job_of(batch.row, known, answer.answered_at, job_id=job_id),
            results=batch.results,
            results_unread=batch.unread.rows,
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    async def file_jobs_page(
        self, endpoint: Endpoint, ids: Sequence[str], token: str | None
    ) -> FileJobsPage:
        """List a page of the file jobs with these ids.

        A body that breaks off is not asked for again unless it is about a single id.
        """
        path, read = _FILE_JOBS[endpoint]
        params: Query = {**self._scope, "job_ids": list(ids)}
        answer = await self._get_page(
            endpoint, path, params, token, rows=len(ids), retries_bodies=len(ids) == 1
        )
        page = read(answer.body)
        self.learnt.left_out.unread(endpoint, page.unread)
        rows = []
        for row in page.rows:
            if contradicted := contradiction(row, self._scope):
                self.learnt.left_out.not_asked_for(contradicted.filter, row.id)
            else:
                rows.append(row)
        return FileJobsPage(
            rows,
            page.next_token,
            answer.asked_monotonic,
            answer.answered_at,
            is_token_unread=page.is_token_unread,
        )

    async def _get_page(
        self,
        endpoint: Endpoint,
        path: str,
        params: Query,
        token: str | None,
        *,
        rows: int = _PAGE_SIZE,
        retries_bodies: bool = True,
    ) -> Answer:
        """Get a page of so many rows, or as many as LlamaCloud gives where it refuses a size."""
        sizes = self.learnt.page_sizes
        params = params if token is None else {**params, "page_token": token}
        while True:
            size = sizes.of(endpoint)
            sized = params if size is None else {**params, sizes.parameter: str(min(size, rows))}
            try:
                return await self._client.get(
                    endpoint, path, sized, self._permit, retries_bodies=retries_bodies
                )
            except Unprocessable as error:
                if not sizes.refused(endpoint, size, error):
                    raise
