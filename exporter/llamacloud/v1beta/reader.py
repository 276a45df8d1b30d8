"""Single requests to the batch-processing API of generation v1beta."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from exporter.domain import JobRefreshed
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.pages import MOST_ROWS, mismatch_of
from exporter.llamacloud.reader import ProjectReader
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from exporter.llamacloud.v1beta.items import ITEM_STATUSES, read_items
from exporter.llamacloud.v1beta.jobs import job_of, read_jobs, read_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import ItemStatus, Job
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.pages import Page
    from exporter.llamacloud.v1beta.items import ItemRow

_JOBS_PATH = "/api/v1/beta/batch-processing"


class Reader(ProjectReader):
    """Reads pages and single jobs of one project."""

    def __init__(
        self, client: Client, scope: Mapping[str, str], *, project: str | None = None
    ) -> None:
        sizes = (MOST_ROWS, 500, 100)
        super().__init__(client, scope, project=project, size_parameter="limit", sizes=sizes)

    async def jobs_page(self, offset: int, filters: Mapping[str, str]) -> Page[Job]:
        """List a page of jobs, filtered by ``directory_id`` and ``job_type``."""
        requested, params = {**self._scope, **filters}, {**filters, "offset": str(offset)}
        page = await self._get_page(V1BetaEndpoint.LIST_JOBS, _JOBS_PATH, params, read_jobs)
        return self._matching(
            page,
            lambda row: mismatch_of(row, requested),
            lambda row: job_of(row, self.known_values, page.answered_at),
        )

    async def job_status(self, job_id: str) -> JobRefreshed:
        """Fetch the status of one job.

        Raises:
            NotFound: LlamaCloud does not know the job (or a gateway says so).
            BadResponse: the answer cannot be read, or is about another job or project.
            LlamaCloudError: it could not be fetched.
        """
        answer = await self._get(V1BetaEndpoint.JOB_STATUS, _path_of(job_id), {})
        status = read_status(answer.body)
        self.left_out.record_unreadable(V1BetaEndpoint.JOB_STATUS, status.unreadable, job_id)
        if status.job is None:
            raise BadResponse("job: no object with a usable id")
        if status.job.id != job_id:
            raise BadResponse("the answer is about another job")
        if mismatch_of(status.job, self._scope):
            raise BadResponse("the answer is about a job of another project")
        percentage = status.progress_percentage
        return JobRefreshed(
            job=job_of(status.job, self.known_values, answer.answered_at),
            progress_ratio=None if percentage is None else min(max(percentage / 100, 0.0), 1.0),
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    async def items_page(
        self, job_id: str, offset: int, status: ItemStatus | None = None
    ) -> Page[ItemRow]:
        """List a page of a job's items, of all of them or those in one status."""
        filters = {} if status is None else {"status": str(status)}
        params = {**filters, "offset": str(offset)}
        path = f"{_path_of(job_id)}/items"
        return await self._get_page(
            V1BetaEndpoint.LIST_ITEMS, path, params, read_items, job_id=job_id
        )

    def item_status(self, value: str | None) -> ItemStatus:
        """Return an item's status, ``unknown`` for one that is newer than this exporter."""
        return self.known_values.read(ITEM_STATUSES, value)


def _path_of(job_id: str) -> str:
    return f"{_JOBS_PATH}/{quote(job_id, safe='')}"
