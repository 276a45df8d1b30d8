"""The endpoints of both generations: their paths, their queries, and what answers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from exporter.simulator.listings import items_listing, jobs_listing
from exporter.simulator.queries import ItemsQuery, JobsQuery, StatusQuery
from exporter.simulator.refusals import RefusedError, unprocessable
from exporter.simulator.rows import status_answer
from exporter.simulator.v2.listings import batches_listing, file_jobs_listing
from exporter.simulator.v2.queries import (
    BatchesQuery,
    BatchQuery,
    ExtractJobsQuery,
    PageQuery,
    ParseJobsQuery,
)
from exporter.simulator.v2.rows import batch_row

if TYPE_CHECKING:
    from exporter.simulator.faults import Endpoint
    from exporter.simulator.server import Simulator
    from exporter.simulator.v2.style import V2Style
    from exporter.simulator.v2.tokens import TokenPaging
    from exporter.simulator.world import SimulatedJob

ApiVersion = Literal["v1beta", "v2"]
_V1BETA = "/api/v1/beta/batch-processing"
PATHS: Final[dict[Endpoint, str]] = {
    "list_jobs": _V1BETA,
    "job_status": f"{_V1BETA}/{{job_id}}",
    "list_items": f"{_V1BETA}/{{job_id}}/items",
    "list_batches": "/api/v2/batches",
    "batch": "/api/v2/batches/{job_id}",
    "list_parse_jobs": "/api/v2/parse",
    "list_extract_jobs": "/api/v2/extract",
}
QUERIES: Final[dict[Endpoint, type[StatusQuery]]] = {
    "list_jobs": JobsQuery,
    "job_status": StatusQuery,
    "list_items": ItemsQuery,
    "list_batches": BatchesQuery,
    "batch": BatchQuery,
    "list_parse_jobs": ParseJobsQuery,
    "list_extract_jobs": ExtractJobsQuery,
}


def version_of(endpoint: Endpoint) -> ApiVersion:
    """Return the generation that an endpoint belongs to."""
    return "v1beta" if PATHS[endpoint].startswith(_V1BETA) else "v2"


def read(simulator: Simulator, query: StatusQuery, job_id: str, project_id: str) -> dict[str, Any]:
    """Answer a query that is well formed; ``job_id`` is the one of the path, also a batch's.

    Raises:
        RefusedError: The job or batch is unknown, or LlamaCloud does not accept the query's values.
    """
    if isinstance(query, PageQuery):
        return _page(simulator, query, project_id)
    if isinstance(query, BatchQuery):
        batch = simulator.world.batches.get(job_id)
        if batch is None or batch.project_id != project_id:
            raise RefusedError(404, "Batch not found")
        return batch_row(batch, simulator.v2, expanded="results" in query.expand)
    if isinstance(query, JobsQuery):
        return jobs_listing(simulator.world.jobs_of(project_id), query, simulator.jobs_paging)
    job = _job(simulator, job_id, project_id)
    if isinstance(query, ItemsQuery):
        return items_listing(job, query, simulator.items_paging)
    return status_answer(job)


def _job(simulator: Simulator, job_id: str, project_id: str) -> SimulatedJob:
    job = simulator.world.jobs.get(job_id)
    if job is None or job.project_id != project_id:
        raise RefusedError(404, "Batch job not found")
    return job


def _page(simulator: Simulator, query: PageQuery, project_id: str) -> dict[str, Any]:
    world, style = simulator.world, simulator.v2
    if isinstance(query, BatchesQuery):
        _check_page_size(query, simulator.batches_paging)
        return batches_listing(world, project_id, query, simulator.batches_paging, style)
    if not isinstance(query, ParseJobsQuery | ExtractJobsQuery):
        raise TypeError(f"no list answers a {type(query).__name__}")
    _check_page_size(query, simulator.file_jobs_paging)
    _check_job_ids(query.job_ids or [], style)
    return file_jobs_listing(world, project_id, query, simulator.file_jobs_paging, style)


def _check_page_size(query: PageQuery, paging: TokenPaging) -> None:
    greatest = paging.max_page_size
    if query.page_size is not None and query.page_size > greatest:
        message = f"Input should be less than or equal to {greatest}"
        raise unprocessable(
            "page_size", "less_than_equal", message, str(query.page_size), le=greatest
        )


def _check_job_ids(job_ids: list[str], style: V2Style) -> None:
    most = style.max_job_ids
    if most is None or len(job_ids) <= most:
        return
    if style.too_many_job_ids_code != 422:  # noqa: PLR2004 - HTTP's own number
        raise RefusedError(style.too_many_job_ids_code, "The request could not be processed")
    message = f"List should have at most {most} items after validation, not {len(job_ids)}"
    raise unprocessable("job_ids", "too_long", message, job_ids, max_length=most)
