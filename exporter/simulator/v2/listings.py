"""The answers of the v2 lists: filtered, put in order, cut into a page, rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from exporter.simulator.listings import listing
from exporter.simulator.v2.queries import ExtractJobsQuery
from exporter.simulator.v2.rows import batch_row, extract_job_row, parse_job_row
from exporter.simulator.v2.tokens import token_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.simulator.paging import Page
    from exporter.simulator.v2.batches import SimulatedBatch, SimulatedFileJob
    from exporter.simulator.v2.queries import BatchesQuery, PageQuery, ParseJobsQuery
    from exporter.simulator.v2.style import V2Style
    from exporter.simulator.v2.tokens import TokenPaging
    from exporter.simulator.world import World

Held = TypeVar("Held", "SimulatedBatch", "SimulatedFileJob")


def batches_listing(
    world: World, project_id: str, query: BatchesQuery, paging: TokenPaging, style: V2Style
) -> dict[str, Any]:
    """Answer with a page of a project's batches.

    Raises:
        RefusedError: The query's page token is unknown, expired, or of another query.
    """
    matching = [
        batch
        for batch in world.batches_of(project_id)
        if query.admits(batch.created_at, batch.status)
        and query.source_directory_id in {None, batch.source_directory_id}
    ]
    page = _page(matching, query, paging, world.clock())
    return listing(page, [batch_row(batch, style) for batch in page.rows])


def file_jobs_listing(
    world: World,
    project_id: str,
    query: ParseJobsQuery | ExtractJobsQuery,
    paging: TokenPaging,
    style: V2Style,
) -> dict[str, Any]:
    """Answer with a page of a project's parse or extract jobs; ids that it lacks are left out.

    Raises:
        RefusedError: The query's page token is unknown, expired, or of another query.
    """
    is_extract = isinstance(query, ExtractJobsQuery)
    asked_for = None if style.ignore_job_ids else query.job_ids
    jobs = world.file_jobs_of(project_id, "extract_v2" if is_extract else "parse_v2", asked_for)
    matching = [job for job in jobs if _matches(query, job)]
    page = _page(matching, query, paging, world.clock())
    render = extract_job_row if is_extract else parse_job_row
    return listing(page, [render(job, style) for job in page.rows])


def _matches(query: ParseJobsQuery | ExtractJobsQuery, job: SimulatedFileJob) -> bool:
    if not query.admits(job.created_at, job.status):
        return False
    return not isinstance(query, ExtractJobsQuery) or (
        query.file_input in {None, job.file_input}
        and query.document_input_value in {None, job.file_input}
        and query.document_input_type in {None, "file_id"}
        and query.configuration_id in {None, job.configuration_id}
    )


def _page(
    matching: Sequence[Held], query: PageQuery, paging: TokenPaging, now: float
) -> Page[Held]:
    fingerprint = query.fingerprint()
    return paging.page(
        paging.ordered(matching, lambda one: one.id),
        page_size=query.page_size,
        start=paging.start_of(query.page_token, fingerprint, now),
        token=lambda start: token_at(start, fingerprint, now),
    )
