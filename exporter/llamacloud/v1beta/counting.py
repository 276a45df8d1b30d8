"""Counting the items of a job page by page, exactly or not at all, without keeping pages."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import (
    ITEM_DURATION_BUCKETS,
    Histogram,
    ItemsCounted,
    ItemStatus,
    NotCounted,
    UncountedReason,
)
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v1beta.item_counter import ItemCounter
from exporter.llamacloud.v1beta.paging import may_go_on, promises_more_than

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.domain import Job
    from exporter.llamacloud.pages import Page
    from exporter.llamacloud.v1beta.items import ItemRow
    from exporter.llamacloud.v1beta.reader import Reader

# Statuses still counted, by filtered lists, when a job is too large to read whole. They are in such
# an order that an item whose status changes meanwhile is in a later list.
_NOTABLE_STATUSES = (
    ItemStatus.PROCESSING,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)
# Paging through a list that changes skips rows and repeats others. A second sweep may be exact.
_SWEEPS_AT_MOST = 2


async def count_items(
    reader: Reader, job: Job, *, max_pages: int, was_too_large: bool = False
) -> ItemsCounted | NotCounted:
    """Count a job's items by status, exactly or not at all.

    A sweep is one reading of all pages. If a sweep of several pages does not add up to
    ``total_items``, it is repeated once. If that does not add up either, the job is not counted.

    If a job is, or was, too large for a sweep, only notable statuses with few enough items for
    ``max_pages`` are counted. The other statuses are absent then.

    ``max_pages`` bounds each sweep, and the notable statuses together.

    Raises:
        BadResponse: a page could not be read.
        LlamaCloudError: a page could not be fetched.
    """
    asked_monotonic = time.monotonic()
    count = _count_whole
    if was_too_large or _is_too_large(reader, job, max_pages):
        count = _count_notable
    try:
        counted = await count(reader, job, max_pages)
    except _UnreadableItemError:
        counted = UncountedReason.UNREADABLE_ITEMS
    if isinstance(counted, UncountedReason):
        return NotCounted(job.id, asked_monotonic, counted)
    return counted


class _UnreadableItemError(Exception):
    """An item has no usable id, so the items of its job cannot be counted."""


async def _count_whole(reader: Reader, job: Job, max_pages: int) -> ItemsCounted | UncountedReason:
    for _ in range(_SWEEPS_AT_MOST):
        sweep = _Sweep(reader, job.id)
        if not await sweep.read(max_pages, job.total_items):
            # Pages may be shorter than the limit, and the list longer than ``total_items``.
            return await _count_notable(reader, job, max_pages)
        if sweep.adds_up_to(job.total_items):
            return sweep.counted()
    return UncountedReason.DOES_NOT_ADD_UP


def _is_too_large(reader: Reader, job: Job, max_pages: int) -> bool:
    page_size = reader.page_sizes.of(Endpoint.LIST_ITEMS)
    # A full last page does not show that it is the last one.
    return page_size is not None and (job.total_items or 0) >= max_pages * page_size


async def _count_notable(
    reader: Reader, job: Job, max_pages: int
) -> ItemsCounted | UncountedReason:
    sweep = _Sweep(reader, job.id)
    counted = [
        status
        for position, status in enumerate(_NOTABLE_STATUSES)
        if await _read_notable(sweep, job, status, position, max_pages)
    ]
    if not counted:
        return UncountedReason.TOO_MANY_ITEMS
    answer = sweep.counted(counted)
    # The durations of some items must not be published as those of all.
    no_durations = Histogram.empty(ITEM_DURATION_BUCKETS)
    return replace(answer, counts=replace(answer.counts, durations=no_durations))


async def _read_notable(
    sweep: _Sweep, job: Job, status: ItemStatus, position: int, max_pages: int
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
    page_size = sweep.reader.page_sizes.of(Endpoint.LIST_ITEMS)
    is_few = page_size is None or least < pages * page_size
    return is_few and await sweep.read_status(status, pages=pages, least=least)


class _Sweep:
    """The items of one job that have been read."""

    def __init__(self, reader: Reader, job_id: str) -> None:
        self.reader = reader
        self.pages = 0
        self._job_id = job_id
        self._items = ItemCounter(reader.item_status)
        self._pages_with_rows = 0
        # The list repeated itself before its end.
        self._broke_off = False
        self._asked_monotonic = 0.0
        self._answered_at = 0.0

    async def read(
        self, last_page: int, rows_expected: int | None, status: ItemStatus | None = None
    ) -> bool:
        """Read the list of all items, or of those in one status; return whether that was all.

        Reading stops when this sweep has read ``last_page`` pages.
        """
        offset = 0
        while self.pages < last_page:
            page = await self.reader.items_page(self._job_id, offset, status)
            if status and {self.reader.item_status(row.status) for row in page.rows} - {status}:
                # The server ignores the filter, so the list is not short.
                return False
            offset += page.sent
            is_new = self._add(page) > 0
            seen = self._items.number_in(status) if status else len(self._items)
            repeats = not status and not is_new and bool(page.rows)
            if repeats or not may_go_on(page, offset, rows_seen=seen, rows_expected=rows_expected):
                self._broke_off = repeats and promises_more_than(page, offset, seen)
                return True
        return False

    async def read_status(self, status: ItemStatus, *, pages: int, least: int) -> bool:
        """Read the list of items in one status; return whether ``pages`` were enough.

        If several pages have fewer than ``least`` items, the list has changed and is read again.
        """
        last_page = self.pages + pages
        for _ in range(_SWEEPS_AT_MOST):
            began_with = self._pages_with_rows
            if not await self.read(last_page, least, status):
                return False
            if self._pages_with_rows - began_with <= 1 or self._items.number_in(status) >= least:
                break
        return True

    def adds_up_to(self, total_items: int | None) -> bool:
        """Return whether the list has as many items as the job; a list of one page always does."""
        if self._broke_off:
            return False
        if self._pages_with_rows <= 1 or total_items is None:
            return True
        return len(self._items) == total_items

    def counted(self, statuses: Iterable[ItemStatus] = ItemStatus) -> ItemsCounted:
        """Return the counts of the items in ``statuses``."""
        counts = self._items.counts(statuses)
        return ItemsCounted(self._job_id, counts, self._asked_monotonic, self._answered_at)

    def _add(self, page: Page[ItemRow]) -> int:
        """Count a page; return how many of its items are new."""
        if page.unreadable.rows:
            raise _UnreadableItemError
        if self.pages == 0:
            self._asked_monotonic = page.asked_monotonic
        self.pages += 1
        self._pages_with_rows += bool(page.rows)
        self._answered_at = page.answered_at
        return self._items.add(page.rows, page.answered_at)
