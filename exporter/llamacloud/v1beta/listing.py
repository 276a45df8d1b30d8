"""Listing all jobs of a project, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from itertools import product
from typing import TYPE_CHECKING

from exporter.llamacloud.listed_jobs import ListedJobs
from exporter.llamacloud.v1beta.paging import more_follows, promises_more_than

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain import Job, Listing, ListingPlan
    from exporter.llamacloud.v1beta.reader import Reader


async def list_jobs(reader: Reader, plan: ListingPlan) -> Listing:
    """List the jobs of a project, each once.

    Raises:
        BadResponse: all listed jobs are of another project than was requested.
        LlamaCloudError: a page could not be read; no part of a listing is returned.
    """
    listed = ListedJobs()
    ends = [await _list_pages(reader, plan, filters, listed) for filters in _filters(plan)]
    reader.left_out.listing_ended()
    return listed.listing(truncated=_End.TRUNCATED in ends, reached_end=_End.KNOWN_JOBS not in ends)


def _filters(plan: ListingPlan) -> list[dict[str, str]]:
    """List the combinations of filters, each as query parameters."""
    directories = [{"directory_id": value} for value in plan.directory_ids] or [{}]
    job_types = [{"job_type": value} for value in plan.job_types] or [{}]
    return [directory | job_type for directory, job_type in product(directories, job_types)]


class _End(Enum):
    """Why no further page is requested."""

    LAST_PAGE = auto()
    KNOWN_JOBS = auto()
    TRUNCATED = auto()


async def _list_pages(
    reader: Reader, plan: ListingPlan, filters: dict[str, str], listed: ListedJobs
) -> _End:
    """Read the pages of one combination of filters; return why reading stopped."""
    offset = 0
    seen: set[str] = set()
    order = _NewestFirst()
    for _ in range(plan.max_requests):
        page = await reader.jobs_page(offset, filters)
        ids = listed.add(page)
        offset += page.sent
        if ids and seen >= ids:
            # The server repeats rows: paging would never end.
            is_cut = promises_more_than(page, offset, len(seen))
            return _End.TRUNCATED if is_cut else _End.LAST_PAGE
        if not more_follows(page, offset):
            return _End.LAST_PAGE
        seen |= ids
        if order.is_past(plan.news_since, page.rows):
            return _End.KNOWN_JOBS
    return _End.TRUNCATED


@dataclass(slots=True)
class _NewestFirst:
    """Checks whether jobs are listed newest first, which is not documented.

    Jobs without a date say nothing about the order.
    """

    holds: bool = True
    oldest: float = float("inf")

    def is_past(self, moment: float | None, jobs: Sequence[Job]) -> bool:
        """Add the jobs of a page; return whether all later jobs are older than a moment."""
        for created_at in (job.created_at for job in jobs if job.created_at is not None):
            self.holds &= created_at <= self.oldest
            self.oldest = min(self.oldest, created_at)
        return self.holds and moment is not None and self.oldest < moment
