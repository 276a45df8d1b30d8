"""Listing all jobs of a project, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

from exporter.domain import Listing
from exporter.llamacloud.errors import BadResponse
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain import Job, ListingPlan
    from exporter.llamacloud.rows import NotAskedFor
    from exporter.llamacloud.v1beta.paging import Page
    from exporter.llamacloud.v1beta.reader import Reader

_TOLD_LENGTH = 100


async def list_jobs(reader: Reader, plan: ListingPlan) -> Listing:
    """List the jobs of a project, each once.

    Raises:
        BadResponse: all that was listed is of another project than was asked for.
        LlamaCloudError: a page could not be read; there is no such thing as half a listing.
    """
    walk = _Walk(plan)
    for filters in _filters(plan):
        await walk.through(reader, filters)
    reader.listing_ended()
    walk.check_project()
    return walk.listing()


def _filters(plan: ListingPlan) -> list[dict[str, str]]:
    """List the combinations of filters, each as query parameters."""
    directories = [{"directory_id": value} for value in plan.directory_ids] or [{}]
    job_types = [{"job_type": value} for value in plan.job_types] or [{}]
    return [directory | job_type for directory, job_type in product(directories, job_types)]


@dataclass(slots=True)
class _Walk:
    """The pages read so far."""

    plan: ListingPlan
    jobs: dict[str, Job] = field(default_factory=dict)
    asked_monotonic: float | None = None
    began_at: float = 0.0
    ended_at: float = 0.0
    truncated: bool = False
    reached_end: bool = True
    rows_left_out: int = 0
    of_another_project: NotAskedFor | None = None

    async def through(self, reader: Reader, filters: dict[str, str]) -> None:
        """Read the pages of one combination of filters, until its end or a bound."""
        offset = 0
        seen: set[str] = set()
        order = _NewestFirst()
        for _ in range(self.plan.max_requests):
            page = await reader.jobs_page(offset, filters)
            self._note(page)
            ids = {job.id for job in page.rows} | {other.row_id for other in page.not_asked_for}
            if ids and seen >= ids:
                # The server repeats itself, and would for ever.
                self.truncated |= page.promises_more_than(len(seen))
                return
            if not page.more_follows:
                return
            seen |= ids
            if order.holds_through(page.rows) and order.is_past(self.plan.news_since):
                self.reached_end = False
                return
            offset = page.next_offset
        self.truncated = True

    def check_project(self) -> None:
        """Refuse a listing of which nothing is left, because it shows another project."""
        other = self.of_another_project
        if other is not None and not self.jobs:
            asked, came = escaped(other.asked)[:_TOLD_LENGTH], escaped(other.came)[:_TOLD_LENGTH]
            raise BadResponse(f"project {asked} was asked for, but the jobs are of {came}")

    def listing(self) -> Listing:
        """Return what was read."""
        return Listing(
            jobs=tuple(self.jobs.values()),
            asked_monotonic=self.asked_monotonic or 0.0,
            began_at=self.began_at,
            ended_at=self.ended_at,
            truncated=self.truncated,
            reached_end=self.reached_end,
            rows_left_out=self.rows_left_out,
        )

    def _note(self, page: Page[Job]) -> None:
        if self.asked_monotonic is None:
            self.asked_monotonic = page.asked_monotonic
            self.began_at = page.answered_at
        self.ended_at = max(page.answered_at, self.began_at)
        self.rows_left_out += page.unread.rows + len(page.not_asked_for)
        for other in page.not_asked_for:
            if other.filter == "project_id":
                self.of_another_project = other
        # A row that comes again is the newer one: the list moved while it was read.
        self.jobs.update((job.id, job) for job in page.rows)


@dataclass(slots=True)
class _NewestFirst:
    """Watches whether rows come newest first; nothing documents that they do.

    Rows without a date say nothing of the order. Where no row has one, no moment is past.
    """

    holds: bool = True
    oldest: float = float("inf")

    def holds_through(self, rows: Sequence[Job]) -> bool:
        for job in rows:
            if job.created_at is None:
                continue
            if job.created_at > self.oldest:
                self.holds = False
                break
            self.oldest = job.created_at
        return self.holds

    def is_past(self, moment: float | None) -> bool:
        return moment is not None and self.oldest < moment
