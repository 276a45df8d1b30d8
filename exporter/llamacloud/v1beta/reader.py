"""One request to the batch-processing API of generation v1beta, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import structlog

from exporter.domain import ItemStatus, Job, JobRefreshed, JobStatus, JobType
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.requests import Endpoint
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
    from enum import StrEnum

    from exporter.llamacloud.client import Client
    from exporter.llamacloud.requests import Answer

_JOBS_PATH = "/api/v1/beta/batch-processing"
_TEXT_LENGTH = 1000
_UNKNOWN_VALUES_REMEMBERED = 100

Row = TypeVar("Row")
Known = TypeVar("Known", bound="StrEnum")
log = structlog.get_logger("exporter")


class Reader:
    """Reads pages and single jobs; ``scope`` is what each request says of the project."""

    def __init__(self, client: Client, scope: Mapping[str, str]) -> None:
        self._client = client
        self._scope = dict(scope)
        self._unknown_values_seen: set[tuple[str, str]] = set()

    async def jobs_page(self, offset: int, filters: Mapping[str, str]) -> Page[Job]:
        """List a page of jobs, filtered by ``directory_id`` and ``job_type``."""
        params = {**self._scope, **filters, "limit": str(PAGE_LIMIT), "offset": str(offset)}
        answer = await self._client.get(Endpoint.LIST_JOBS, _JOBS_PATH, params)
        page = parse(JobPage, answer.body)
        return self._page(answer, page, [self._job(row) for row in page.items], offset)

    async def job_status(self, job_id: str) -> JobRefreshed:
        """Fetch the status of one job.

        Raises:
            NotFound: LlamaCloud does not know the job (or a gateway says so).
            LlamaCloudError: it could not be fetched.
        """
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}"
        answer = await self._client.get(Endpoint.JOB_STATUS, path, self._scope)
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
        answer = await self._client.get(Endpoint.LIST_ITEMS, path, params)
        page = parse(ItemPage, answer.body)
        return self._page(answer, page, page.items, offset)

    def item_status(self, row: ItemRow) -> ItemStatus:
        """Name an item's status, ``unknown`` for one that is newer than this exporter."""
        # Nearly all are known, and there are a thousand on a page.
        return _ITEM_STATUSES.get(row.status) or self._known(
            _ITEM_STATUSES, row.status, ItemStatus.UNKNOWN, "item status"
        )

    def _page(
        self, answer: Answer, page: JobPage | ItemPage, rows: Sequence[Row], offset: int
    ) -> Page[Row]:
        next_offset = offset + len(rows)
        return Page(
            rows=rows,
            next_offset=next_offset,
            more_follows=more_follows(page, next_offset),
            total_size=page.total_size,
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    def _job(self, row: JobRow) -> Job:
        return Job(
            id=row.id,
            job_type=self._known(_JOB_TYPES, row.job_type, JobType.UNKNOWN, "job type"),
            status=self._known(_JOB_STATUSES, row.status, JobStatus.UNKNOWN, "job status"),
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

    def _known(self, values: Mapping[str, Known], value: str, unknown: Known, kind: str) -> Known:
        known = values.get(value)
        if known is not None:
            return known
        seen, text = self._unknown_values_seen, value[:_TEXT_LENGTH]
        if (kind, text) not in seen and len(seen) < _UNKNOWN_VALUES_REMEMBERED:
            seen.add((kind, text))
            log.warning(
                "api.unknown_value",
                kind=kind,
                value=text,
                advice="published as 'unknown'; a newer exporter may know it",
            )
        return unknown


def _values_except(*ours: Known) -> dict[str, Known]:
    return {str(member): member for member in type(ours[0]) if member not in ours}


# ``gone`` and ``unknown`` are words of ours: the API's own would mean something else.
_JOB_TYPES = _values_except(JobType.UNKNOWN)
_JOB_STATUSES = _values_except(JobStatus.UNKNOWN, JobStatus.GONE)
_ITEM_STATUSES = _values_except(ItemStatus.UNKNOWN)
