"""One request to the batch-processing API of generation v1beta, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog

from exporter.domain import JobRefreshed
from exporter.llamacloud.errors import BadResponse, Unprocessable
from exporter.llamacloud.known_values import KnownValues
from exporter.llamacloud.page_sizes import PageSizes
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.rows import MOST_ROWS
from exporter.llamacloud.unread import LeftOut
from exporter.llamacloud.v1beta.decoding import read_items, read_jobs, read_status
from exporter.llamacloud.v1beta.jobs import contradiction, job_of
from exporter.llamacloud.v1beta.paging import page_of
from exporter.llamacloud.v1beta.vocabulary import ITEM_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import ItemStatus, Job
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Answer, RequestObserver
    from exporter.llamacloud.rows import NotAskedFor
    from exporter.llamacloud.v1beta.models import ItemRow, JobRow
    from exporter.llamacloud.v1beta.paging import Page

_JOBS_PATH = "/api/v1/beta/batch-processing"


class _Learnt:
    """What is kept from one request to the next: page sizes that work, and what was logged."""

    def __init__(self, observer: RequestObserver, project: str | None) -> None:
        log = structlog.get_logger("exporter")
        log = log if project is None else log.bind(project=project)
        self.left_out = LeftOut(observer, log)
        self.known_values = KnownValues(log)
        self.page_sizes = PageSizes("limit", (MOST_ROWS, 500, 100), log)


class Reader:
    """Reads pages and single jobs of one project, the first by ``permit`` if there is one.

    ``scope`` is what each request says of the project, ``project`` its name in the log.
    """

    def __init__(
        self,
        client: Client,
        scope: Mapping[str, str],
        *,
        project: str | None = None,
        permit: Permit | None = None,
        learnt: _Learnt | None = None,
    ) -> None:
        self._client = client
        self._scope = scope
        self._permit = permit
        self._learnt = learnt or _Learnt(client.observer, project)

    def using(self, permit: Permit | None) -> Reader:
        """Return a reader like this one that sends its first request by ``permit``."""
        return Reader(self._client, self._scope, permit=permit, learnt=self._learnt)

    async def jobs_page(self, offset: int, filters: Mapping[str, str]) -> Page[Job]:
        """List a page of jobs, filtered by ``directory_id`` and ``job_type``."""
        asked_for = {**self._scope, **filters, "offset": str(offset)}
        answer, limit = await self._get_page(Endpoint.LIST_JOBS, _JOBS_PATH, asked_for)
        page = page_of(read_jobs(answer.body), answer, offset=offset, limit=limit)
        self._learnt.left_out.unread(Endpoint.LIST_JOBS, page.unread)
        not_asked_for: list[NotAskedFor] = []
        jobs: list[Job] = []
        for row in page.rows:
            if contradicted := contradiction(row, asked_for):
                not_asked_for.append(contradicted)
                self._learnt.left_out.not_asked_for(contradicted.filter, row.id)
            else:
                jobs.append(job_of(row, self._learnt.known_values, page.answered_at))
        return page.with_rows(jobs, not_asked_for)

    def listing_ended(self) -> None:
        """Note that a listing was read to its end."""
        self._learnt.left_out.listing_ended()

    async def job_status(self, job_id: str) -> JobRefreshed:
        """Fetch the status of one job.

        Raises:
            NotFound: LlamaCloud does not know the job (or a gateway says so).
            BadResponse: the answer cannot be read, or is about another job or project.
            LlamaCloudError: it could not be fetched.
        """
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}"
        answer = await self._get(Endpoint.JOB_STATUS, path, self._scope)
        status = read_status(answer.body)
        self._learnt.left_out.unread(Endpoint.JOB_STATUS, status.unread, job_id)
        if status.job is None:
            raise BadResponse("job: no object with a usable id")
        self._check_is_about(job_id, status.job)
        percentage = status.progress_percentage
        return JobRefreshed(
            job=job_of(status.job, self._learnt.known_values, answer.answered_at),
            progress_ratio=None if percentage is None else min(max(percentage / 100, 0.0), 1.0),
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    async def items_page(
        self, job_id: str, offset: int, status: ItemStatus | None = None
    ) -> Page[ItemRow]:
        """List a page of a job's items, of all of them or those in one status."""
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}/items"
        filters = {} if status is None else {"status": str(status)}
        asked_for = {**self._scope, **filters, "offset": str(offset)}
        answer, limit = await self._get_page(Endpoint.LIST_ITEMS, path, asked_for)
        page = page_of(read_items(answer.body), answer, offset=offset, limit=limit)
        self._learnt.left_out.unread(Endpoint.LIST_ITEMS, page.unread, job_id)
        return page

    def item_status(self, value: str | None) -> ItemStatus:
        """Name an item's status, ``unknown`` for one that is newer than this exporter."""
        return self._learnt.known_values.read(ITEM_STATUSES, value)

    def page_size(self, endpoint: Endpoint) -> int | None:
        """Return how many rows are asked for at a time; ``None`` where LlamaCloud decides."""
        return self._learnt.page_sizes.of(endpoint)

    async def _get_page(
        self, endpoint: Endpoint, path: str, params: Mapping[str, str]
    ) -> tuple[Answer, int | None]:
        """Get a page as large as LlamaCloud gives, and return the page size that was asked for."""
        sizes = self._learnt.page_sizes
        while True:
            limit = sizes.of(endpoint)
            sized = params if limit is None else {**params, sizes.parameter: str(limit)}
            try:
                return await self._get(endpoint, path, sized), limit
            except Unprocessable as error:
                if not sizes.refused(endpoint, limit, error):
                    raise

    async def _get(self, endpoint: Endpoint, path: str, params: Mapping[str, str]) -> Answer:
        return await self._client.get(endpoint, path, params, self._permit)

    def _check_is_about(self, job_id: str, row: JobRow) -> None:
        if row.id != job_id:
            raise BadResponse("the answer is about another job")
        scope = {name: self._scope[name] for name in ("project_id",) if name in self._scope}
        if contradiction(row, scope):
            raise BadResponse("the answer is about a job of another project")
