"""Counting the items of a job page by page, exactly or not at all; pages are dropped once read."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from exporter.domain import ITEM_DURATION_BUCKETS, Histogram, ItemsCounted, ItemStatus, NotCounted
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta.item_counter import ItemCounter
from exporter.llamacloud.v1beta.paging import PAGE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.domain import Job
    from exporter.llamacloud.v1beta.models import ItemRow
    from exporter.llamacloud.v1beta.paging import Page
    from exporter.llamacloud.v1beta.reader import Reader

# Statuses still counted, by filtered listing, when a job is too large to read whole. An item that
# moves on meanwhile is met again in a later one of these lists.
_NOTABLE_STATUSES = (
    ItemStatus.PROCESSING,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)


class EarlierCount(Protocol):
    """How an earlier count went: its number of items, and whether it was of every status."""

    @property
    def total(self) -> int: ...  # noqa: D102 - the class says it

    @property
    def whole(self) -> bool: ...  # noqa: D102 - likewise


async def count_items(
    reader: Reader, job: Job, *, max_pages: int, before: EarlierCount | None
) -> ItemsCounted | NotCounted:
    """Count a job's items by status.

    A sweep of more than one page that does not add up to ``total_items`` is done once more, unless
    it gave as many items as ``before``: a list that moves under the paging skips rows, so that two
    sweeps together see what one of them missed.

    Of a job that is too large for a sweep, or was ``before``, the notable statuses are counted that
    are few enough for ``max_pages``. The others are absent then.

    Raises:
        LlamaCloudError: a page could not be read, or was the same again.
    """
    asked_monotonic = time.monotonic()
    was_too_large = before is not None and not before.whole
    # A last page that is full does not tell that it is the last.
    if was_too_large or (job.total_items or 0) >= max_pages * PAGE_LIMIT:
        return await _count_notable(reader, job, max_pages, asked_monotonic)
    sweep = _Sweep(reader, job.id)
    if not await sweep.read_all(max_pages):
        # Pages may be shorter than what was asked for, and the list longer than the job says.
        return await _count_notable(reader, job, max_pages, asked_monotonic)
    if not (sweep.adds_up_to(job.total_items) or sweep.gave_as_many_as(before)):
        sweep = await _swept_again(sweep, job, max_pages)
    if sweep.broke_off:
        raise BadResponse("the list of items repeats itself before its end")
    return sweep.counted()


async def _swept_again(earlier: _Sweep, job: Job, max_pages: int) -> _Sweep:
    again = _Sweep(earlier.reader, job.id)
    if not await again.read_all(max_pages):
        return earlier
    if not again.adds_up_to(job.total_items):
        again.add_unseen(earlier)
    return again


async def _count_notable(
    reader: Reader, job: Job, max_pages: int, asked_monotonic: float
) -> ItemsCounted | NotCounted:
    sweep = _Sweep(reader, job.id)
    counted = [
        status
        for position, status in enumerate(_NOTABLE_STATUSES)
        if await _read_notable(sweep, job, status, position, max_pages)
    ]
    if not counted:
        return NotCounted(job.id, asked_monotonic)
    answer = sweep.counted(counted)
    # The durations of the few that were read would pass for those of all.
    no_durations = Histogram.empty(ITEM_DURATION_BUCKETS)
    return replace(answer, counts=replace(answer.counts, durations=no_durations))


async def _read_notable(
    sweep: _Sweep, job: Job, status: ItemStatus, position: int, max_pages: int
) -> bool:
    """Read the items in one status, leaving a page for each status that comes after it."""
    if max_pages < len(_NOTABLE_STATUSES):
        return False
    pages = max_pages - sweep.pages - (len(_NOTABLE_STATUSES) - position - 1)
    if status is ItemStatus.PROCESSING:
        # It is read first, yet what has failed matters more.
        pages = min(pages, max_pages // 3)
    reported = {ItemStatus.FAILED: job.failed_items, ItemStatus.SKIPPED: job.skipped_items}
    least = reported.get(status) or 0
    return least < pages * PAGE_LIMIT and await sweep.read_status(status, pages=pages, least=least)


@dataclass(slots=True)
class _Sweep:
    """The items of one job, as far as they have been read.

    ``broke_off`` is true where the list repeated itself before its end.
    """

    reader: Reader
    job_id: str
    items: ItemCounter = field(default_factory=ItemCounter)
    pages: int = 0
    broke_off: bool = False
    asked_monotonic: float = 0.0
    answered_at: float = 0.0

    async def read_all(self, max_pages: int) -> bool:
        """Read the list of all items; tell whether ``max_pages`` were enough for that."""
        offset = 0
        while self.pages < max_pages:
            page = await self.reader.items_page(self.job_id, offset)
            news = self._add(page)
            repeats = bool(news) and not any(news)
            if repeats or not page.more_follows:
                self.broke_off = repeats and page.promises_more_than(len(self.items))
                return True
            offset = page.next_offset
        return False

    async def read_status(self, status: ItemStatus, *, pages: int, least: int) -> bool:
        """Read the list of items in one status; tell whether so many ``pages`` were enough.

        A list of several pages that falls short of ``least`` has moved, and is read once more.
        """
        last_page = self.pages + pages
        for _ in range(2):
            began_with = self.pages
            if not await self._read_status_once(status, last_page):
                return False
            if self.pages - began_with == 1 or self.items.number_in(status) >= least:
                break
        return True

    def adds_up_to(self, total_items: int | None) -> bool:
        """Tell whether the list is whole, by the number that the job has; one page always is."""
        whole = self.pages == 1 or total_items is None or len(self.items) == total_items
        return whole and not self.broke_off

    def gave_as_many_as(self, before: EarlierCount | None) -> bool:
        """Tell whether an earlier count found the same number of items."""
        return before is not None and len(self.items) == before.total and not self.broke_off

    def add_unseen(self, earlier: _Sweep) -> None:
        """Add the items that only an earlier sweep saw."""
        self.items.add_unseen(earlier.items)
        self.broke_off = self.broke_off and earlier.broke_off
        self.asked_monotonic = earlier.asked_monotonic

    def counted(self, statuses: Iterable[ItemStatus] = ItemStatus) -> ItemsCounted:
        """Return the counts of the items in ``statuses``."""
        counts = self.items.counts(statuses)
        return ItemsCounted(self.job_id, counts, self.asked_monotonic, self.answered_at)

    async def _read_status_once(self, status: ItemStatus, last_page: int) -> bool:
        offset = 0
        while self.pages < last_page:
            page = await self.reader.items_page(self.job_id, offset, status)
            if any(self.reader.item_status(row) is not status for row in page.rows):
                # The server ignores the filter: what it lists is not few.
                return False
            self._add(page)
            if not page.more_follows:
                return True
            offset = page.next_offset
        return False

    def _add(self, page: Page[ItemRow]) -> list[bool]:
        """Count a page; tell of each row whether its item is new."""
        if self.pages == 0:
            self.asked_monotonic = page.asked_monotonic
        self.pages += 1
        self.answered_at = page.answered_at
        return [self.items.add(row, self.reader.item_status(row)) for row in page.rows]
