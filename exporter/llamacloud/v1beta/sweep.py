"""Reading the items of a job page by page; pages are counted and dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import ItemsCounted, ItemStatus
from exporter.llamacloud.v1beta.item_counter import ItemCounter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.domain import ItemCounts
    from exporter.llamacloud.v1beta.models import ItemRow
    from exporter.llamacloud.v1beta.paging import Page
    from exporter.llamacloud.v1beta.reader import Reader


@dataclass(slots=True)
class Sweep:
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

    def gave_as_many_as(self, before: ItemCounts | None) -> bool:
        """Tell whether an earlier count found the same number of items."""
        return before is not None and len(self.items) == before.total and not self.broke_off

    def add_unseen(self, earlier: Sweep) -> None:
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
