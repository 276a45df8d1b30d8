"""Counting the items of a job, exactly or not at all; pages are read and dropped."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from exporter.domain import ITEM_DURATION_BUCKETS, Histogram, ItemsCounted, ItemStatus
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.pages import PAGE_LIMIT
from exporter.poller.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.domain import ItemCounts, Job
    from exporter.llamacloud.models import ItemRow
    from exporter.llamacloud.pages import Page

# What matters of a job that is too large to be counted, and may be few. An item that moves on
# meanwhile is met again in a later one of these lists.
_STATUSES_THAT_MATTER = (
    ItemStatus.PROCESSING,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)


class ItemLister(Protocol):
    """Lists a job's items a page at a time."""

    async def list_items(
        self, job_id: str, offset: int, status: ItemStatus | None = None
    ) -> Page[ItemRow]:
        """List a page of a job's items, of all of them or those in one status."""

    def item_status(self, row: ItemRow) -> ItemStatus:
        """Name an item's status."""


async def count_items(
    lister: ItemLister, job: Job, *, max_pages: int, before: ItemCounts | None
) -> ItemsCounted | None:
    """Count a job's items by status, exactly; ``None`` means that they are too many to count.

    A sweep of more than one page that does not add up to ``total_items`` is done once more, unless
    it gave as many items as ``before``: a list that moves under the paging skips rows, so that two
    sweeps together see what one of them missed.

    Of a job that is too large for a sweep, or was ``before``, those of the statuses that matter are
    counted that are few enough for ``max_pages``, by asking for them; the others are absent then.

    Raises:
        LlamaCloudError: a page could not be read, or was the same again.
    """
    was_too_large = before is not None and not before.whole
    # A last page that is full does not tell that it is the last.
    if was_too_large or job.total_items >= max_pages * PAGE_LIMIT:
        return await _count_what_matters(lister, job, max_pages)
    sweep = await _sweep(lister, job.id, max_pages)
    if sweep is None:
        # Pages may be shorter than what was asked for, and the list longer than the job says.
        return await _count_what_matters(lister, job, max_pages)
    if not (sweep.adds_up_to(job.total_items) or sweep.is_like(before)):
        again = await _sweep(lister, job.id, max_pages)
        sweep = sweep if again is None else again.completed_by(sweep, job.total_items)
    if sweep.broke_off:
        raise BadResponse("the list of items repeats itself before its end")
    return sweep.counted(job.id)


@dataclass(slots=True)
class _Sweep:
    """The pages of one list, read to its end."""

    tally: Tally = field(default_factory=Tally)
    pages: int = 0
    broke_off: bool = False
    asked_monotonic: float = 0.0
    answered_at: float = 0.0

    def adds_up_to(self, total_items: int) -> bool:
        whole = self.pages == 1 or len(self.tally) == total_items
        return whole and not self.broke_off

    def is_like(self, before: ItemCounts | None) -> bool:
        return before is not None and len(self.tally) == before.total and not self.broke_off

    def completed_by(self, earlier: _Sweep, total_items: int) -> _Sweep:
        """Add what only an earlier sweep saw, unless this one adds up by itself."""
        if not self.adds_up_to(total_items):
            self.tally.add_unseen(earlier.tally)
            self.broke_off = self.broke_off and earlier.broke_off
            self.asked_monotonic = earlier.asked_monotonic
        return self

    def counted(self, job_id: str, statuses: Iterable[ItemStatus] = ItemStatus) -> ItemsCounted:
        counts = self.tally.counts(statuses)
        return ItemsCounted(job_id, counts, self.asked_monotonic, self.answered_at)


async def _sweep(lister: ItemLister, job_id: str, max_pages: int) -> _Sweep | None:
    sweep = _Sweep()
    offset = 0
    while sweep.pages < max_pages:
        page = await lister.list_items(job_id, offset)
        news = _take(sweep, page, lister)
        repeats = bool(news) and not any(news)
        if repeats or not page.more_follows:
            sweep.broke_off = repeats and page.promises_more_than(len(sweep.tally))
            return sweep
        offset = page.next_offset
    return None


async def _count_what_matters(lister: ItemLister, job: Job, max_pages: int) -> ItemsCounted | None:
    if max_pages < len(_STATUSES_THAT_MATTER):
        return None
    reported = {ItemStatus.FAILED: job.failed_items, ItemStatus.SKIPPED: job.skipped_items}
    sweep = _Sweep()
    counted = []
    for still_to_ask, status in zip((3, 2, 1, 0), _STATUSES_THAT_MATTER, strict=True):
        pages = max_pages - sweep.pages - still_to_ask
        if status is ItemStatus.PROCESSING:
            # It is met first, yet what has failed matters more.
            pages = min(pages, max_pages // 3)
        least = reported.get(status) or 0
        if least < pages * PAGE_LIMIT and await _sweep_status(
            sweep, lister, job.id, status, pages=pages, least=least
        ):
            counted.append(status)
    if not counted:
        return None
    answer = sweep.counted(job.id, counted)
    # Those of the few that were read would pass for those of all.
    no_durations = Histogram.empty(ITEM_DURATION_BUCKETS)
    return replace(answer, counts=replace(answer.counts, durations=no_durations))


async def _sweep_status(
    sweep: _Sweep, lister: ItemLister, job_id: str, status: ItemStatus, *, pages: int, least: int
) -> bool:
    """Read all items in one status; tell whether they are few enough.

    A list of several pages that falls short of ``least`` has moved, and is read once more.
    """
    last_page = sweep.pages + pages
    for _ in range(2):
        began_with = sweep.pages
        if not await _read_status(sweep, lister, job_id, status, last_page):
            return False
        if sweep.pages - began_with == 1 or sweep.tally.number_in(status) >= least:
            break
    return True


async def _read_status(
    sweep: _Sweep, lister: ItemLister, job_id: str, status: ItemStatus, last_page: int
) -> bool:
    offset = 0
    while sweep.pages < last_page:
        page = await lister.list_items(job_id, offset, status)
        if any(lister.item_status(row) is not status for row in page.rows):
            # The server does not heed the filter: what it lists is not few.
            return False
        _take(sweep, page, lister)
        if not page.more_follows:
            return True
        offset = page.next_offset
    return False


def _take(sweep: _Sweep, page: Page[ItemRow], lister: ItemLister) -> list[bool]:
    if sweep.pages == 0:
        sweep.asked_monotonic = page.asked_monotonic
    sweep.pages += 1
    sweep.answered_at = page.answered_at
    return [sweep.tally.add(row, lister.item_status(row)) for row in page.rows]
