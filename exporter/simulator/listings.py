"""The answers of the two listings: filtered, put in order, cut into a page, rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.simulator.rows import item_row, job_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.simulator.paging import Page, Paging
    from exporter.simulator.queries import ItemsQuery, JobsQuery
    from exporter.simulator.world import SimulatedJob


def jobs_listing(jobs: Sequence[SimulatedJob], query: JobsQuery, paging: Paging) -> dict[str, Any]:
    """Answer with a page of a project's jobs, which are given oldest first."""
    matching = [job for job in jobs if _matches(query, job)]
    ordered = paging.ordered(matching, lambda job: job.id)
    page = paging.page(ordered, limit=query.limit, offset=query.offset)
    return listing(page, [job_row(job) for job in page.rows])


def items_listing(job: SimulatedJob, query: ItemsQuery, paging: Paging) -> dict[str, Any]:
    """Answer with a page of one job's items; those listed first count as the oldest."""
    matching = [item for item in list(job.items) if query.status in {None, item.status}]
    ordered = paging.ordered(matching, lambda item: item.item_id)
    page = paging.page(ordered, limit=query.limit, offset=query.offset)
    return listing(page, [item_row(job, item) for item in page.rows])


def _matches(query: JobsQuery, job: SimulatedJob) -> bool:
    status = job.overrides.get("status", job.status)
    return (
        query.directory_id in {None, job.directory_id}
        and query.job_type in {None, job.job_type}
        and query.status in {None, status}
    )


def listing(page: Page[Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Build the answer of any list from one page and its rows."""
    return {
        "items": rows,
        "next_page_token": page.next_page_token,
        "total_size": page.total_size,
    }
