"""One request to the batch-processing API of generation v1beta, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from exporter.domain import ItemStatus, Job, JobRefreshed, JobStatus, JobType
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v1beta.known_values import KnownValues
from exporter.llamacloud.v1beta.models import (
    ItemPage,
    ItemRow,
    JobPage,
    JobRow,
    JobStatusAnswer,
    parse,
)
from exporter.llamacloud.v1beta.paging import PAGE_LIMIT, Page, more_follows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Answer

_JOBS_PATH = "/api/v1/beta/batch-processing"
_TEXT_LENGTH = 1000

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads pages and single jobs, the first by ``permit`` if there is one.

    ``scope`` is what each request says of the project.
    """

    _client: Client
    _scope: Mapping[str, str]
    _permit: Permit | None = None
    _known_values: KnownValues = field(default_factory=KnownValues)

    def using(self, permit: Permit | None) -> Reader:
        """Return a reader like this one that sends its first request by ``permit``."""
        return replace(self, _permit=permit)

    async def jobs_page(self, offset: int, filters: Mapping[str, str]) -> Page[Job]:
        """List a page of jobs, filtered by ``directory_id`` and ``job_type``."""
        params = {**self._scope, **filters, "limit": str(PAGE_LIMIT), "offset": str(offset)}
        answer = await self._get(Endpoint.LIST_JOBS, _JOBS_PATH, params)
        page = parse(JobPage, answer.body)
        return _page(answer, page, [self._job(row) for row in page.items], offset)

    async def job_status(self, job_id: str) -> JobRefreshed:
        """Fetch the status of one job.

        Raises:
            NotFound: LlamaCloud does not know the job (or a gateway says so).
            LlamaCloudError: it could not be fetched.
        """
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}"
        answer = await self._get(Endpoint.JOB_STATUS, path, self._scope)
        status = parse(JobStatusAnswer, answer.body)
        if status.job.id != job_id:
            raise BadResponse("the answer is about another job")
        percentage = status.progress_percentage
        return JobRefreshed(
            job=self._job(status.job),
            progress_ratio=None if percentage is None else min(max(percentage / 100, 0.0), 1.0),
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    async def items_page(
        self, job_id: str, offset: int, status: ItemStatus | None = None
    ) -> Page[ItemRow]:
        """List a page of a job's items, of all of them or those in one status."""
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}/items"
        params = {**self._scope, "limit": str(PAGE_LIMIT), "offset": str(offset)}
        if status is not None:
            params["status"] = str(status)
        answer = await self._get(Endpoint.LIST_ITEMS, path, params)
        page = parse(ItemPage, answer.body)
        return _page(answer, page, page.items, offset)

    def item_status(self, row: ItemRow) -> ItemStatus:
        """Name an item's status, ``unknown`` for one that is newer than this exporter."""
        return self._known_values.read(ItemStatus, row.status)

    async def _get(self, endpoint: Endpoint, path: str, params: Mapping[str, str]) -> Answer:
        return await self._client.get(endpoint, path, params, self._permit)

    def _job(self, row: JobRow) -> Job:
        return Job(
            id=row.id,
            job_type=self._known_values.read(JobType, row.job_type),
            status=self._known_values.read(JobStatus, row.status),
            project_id=row.project_id,
            total_items=row.total_items,
            processed_items=row.processed_items,
            failed_items=row.failed_items,
            skipped_items=row.skipped_items,
            directory_id=row.directory_id,
            created_at=row.created_at,
            started_at=row.started_at,
            completed_at=row.completed_at,
            updated_at=row.updated_at,
            error_message=row.error_message and row.error_message[:_TEXT_LENGTH],
        )


def _page(answer: Answer, page: JobPage | ItemPage, rows: Sequence[Row], offset: int) -> Page[Row]:
    next_offset = offset + len(rows)
    return Page(
        rows=rows,
        next_offset=next_offset,
        more_follows=more_follows(page, next_offset),
        total_size=page.total_size,
        asked_monotonic=answer.asked_monotonic,
        answered_at=answer.answered_at,
    )
