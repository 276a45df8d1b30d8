"""The operations of ``BatchApi`` by the batch-processing API of generation v1beta."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from exporter.domain import ItemsCounted, ItemStatus, NotCounted, UncountedReason
from exporter.llamacloud.errors import NotFound
from exporter.llamacloud.refusals import job_missing, job_not_found
from exporter.llamacloud.v1beta.counting import SWEEPS_AT_MOST, Sweep, UnreadableItemError
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from exporter.llamacloud.v1beta.listing import list_jobs
from exporter.llamacloud.v1beta.reader import Reader

if TYPE_CHECKING:
    from exporter.domain import CountLimits, Job, Listing, ListingPlan, Memory
    from exporter.llamacloud.api import CountAnswer, StatusAnswer
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Endpoint


# Statuses still counted, by filtered lists, when a job is too large to read whole. They are in such
# an order that an item whose status changes meanwhile is in a later list.
_NOTABLE_STATUSES = (
    ItemStatus.PROCESSING,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)


@dataclass(frozen=True, slots=True)
class _TooLarge:
    """The memory of a job that was too large to read whole, with its ``total_items`` then."""

    total_items: int | None

    def still_holds_for(self, job: Job) -> bool:
        """Return whether a job is no smaller than it was; an ended job gets more pages anyway."""
        if not job.active:
            return False
        before, after = self.total_items, job.total_items
        if before is None or after is None:
            return before is after
        return after >= before


class V1BetaApi:
    """Reads the batch jobs of one project; ``project`` is its name in the log."""

    endpoints: ClassVar[type[Endpoint]] = V1BetaEndpoint

    def __init__(
        self,
        client: Client,
        *,
        project: str | None = None,
        project_id: str | None = None,
        organization_id: str | None = None,
    ) -> None:
        wanted = {"project_id": project_id, "organization_id": organization_id}
        scope = {name: value for name, value in wanted.items() if value}
        self._reader = Reader(client, scope, project=project)

    async def list_jobs(self, plan: ListingPlan, permit: Permit | None = None) -> Listing:
        """List the jobs of the project, each once."""
        return await list_jobs(self._reader.using(permit), plan)

    async def job_status(
        self, job: Job, memory: Memory, permit: Permit | None = None
    ) -> tuple[StatusAnswer, Memory]:
        """Fetch the status of one job."""
        try:
            return await self._reader.using(permit).job_status(job.id), memory
        except NotFound as error:
            return job_not_found(job.id, error), memory

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[CountAnswer, Memory]:
        """Count the items of one job by status, exactly or not at all.

        If a job is, or was, too large for a sweep, which is one reading of all pages, only notable
        statuses with few enough items are counted. The other statuses are absent then.
        """
        asked_monotonic = time.monotonic()
        reader, max_pages = self._reader.using(permit), limits.max_requests
        was_too_large = isinstance(memory, _TooLarge) and memory.still_holds_for(job)
        count = _count_whole
        if was_too_large or _is_too_large(reader, job, max_pages):
            count = _count_notable
        try:
            counted = await count(reader, job, max_pages)
        except UnreadableItemError:
            counted = UncountedReason.UNREADABLE_ITEMS
        except NotFound as error:
            raise job_missing(error) from error
        too_large = _TooLarge(job.total_items)
        if isinstance(counted, ItemsCounted):
            return counted, None if counted.counts.whole else too_large
        answer = NotCounted(job.id, asked_monotonic, counted)
        return answer, too_large if counted is UncountedReason.TOO_MANY_ITEMS else None


def _is_too_large(reader: Reader, job: Job, max_pages: int) -> bool:
    page_size = reader.page_sizes.of(V1BetaEndpoint.LIST_ITEMS)
    # A full last page does not show that it is the last one.
    return page_size is not None and (job.total_items or 0) >= max_pages * page_size


async def _count_whole(reader: Reader, job: Job, max_pages: int) -> ItemsCounted | UncountedReason:
    """Count all items; a sweep of several pages must add up to ``total_items``."""
    for _ in range(SWEEPS_AT_MOST):
        sweep = Sweep(reader, job.id)
        if not await sweep.read(max_pages, job.total_items):
            # Pages may be shorter than the limit, and the list longer than ``total_items``.
            return await _count_notable(reader, job, max_pages)
        if sweep.adds_up_to(job.total_items):
            return sweep.counted()
    return UncountedReason.DOES_NOT_ADD_UP


async def _count_notable(
    reader: Reader, job: Job, max_pages: int
) -> ItemsCounted | UncountedReason:
    """Count the items in notable statuses, by ``max_pages`` requests together."""
    sweep = Sweep(reader, job.id)
    counted = [
        status
        for position, status in enumerate(_NOTABLE_STATUSES)
        if await _read_notable(sweep, job, status, position, max_pages)
    ]
    return sweep.counted(counted) if counted else UncountedReason.TOO_MANY_ITEMS


async def _read_notable(
    sweep: Sweep, job: Job, status: ItemStatus, position: int, max_pages: int
) -> bool:
    """Read the items in one status, and leave a page for each later status."""
    if max_pages < len(_NOTABLE_STATUSES):
        return False
    pages = max_pages - sweep.pages - (len(_NOTABLE_STATUSES) - position - 1)
    if status is ItemStatus.PROCESSING:
        # This status is read first, but failed items matter more.
        pages = min(pages, max_pages // 3)
    reported = {ItemStatus.FAILED: job.failed_items, ItemStatus.SKIPPED: job.skipped_items}
    least = reported.get(status) or 0
    page_size = sweep.reader.page_sizes.of(V1BetaEndpoint.LIST_ITEMS)
    is_few = page_size is None or least < pages * page_size
    return is_few and await sweep.read_status(status, pages=pages, least=least)
