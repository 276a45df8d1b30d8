"""Counting the items of one job: reading their pages, and how each item counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import (
    FAILURE_REASONS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    ItemCounts,
    ItemsCounted,
    ItemStatus,
)
from exporter.llamacloud.failure_reasons import failure_reason
from exporter.llamacloud.v1beta.item_details import ItemDetails
from exporter.llamacloud.v1beta.paging import may_go_on, promises_more_than

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exporter.llamacloud.pages import Page
    from exporter.llamacloud.v1beta.items import ItemRow
    from exporter.llamacloud.v1beta.reader import Reader

# Paging through a list that changes skips rows and repeats others. A second sweep may be exact.
SWEEPS_AT_MOST = 2
# Each item is kept as the number of its kind, which is hashed and counted faster than an enum.
_KINDS: tuple[tuple[ItemStatus, str | None], ...] = (
    *((status, None) for status in ItemStatus),
    *((ItemStatus.SKIPPED, reason) for reason in (*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON)),
    *((ItemStatus.FAILED, reason) for reason in FAILURE_REASONS),
)
_KIND_OF = {kind: number for number, kind in enumerate(_KINDS)}
_FAILED = _KIND_OF[ItemStatus.FAILED, None]


class UnreadableItemError(Exception):
    """An item has no usable id, so the items of its job cannot be counted."""


class Sweep:
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

        Raises:
            UnreadableItemError: an item has no usable id.
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
        for _ in range(SWEEPS_AT_MOST):
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
            raise UnreadableItemError
        if self.pages == 0:
            self._asked_monotonic = page.asked_monotonic
        self.pages += 1
        self._pages_with_rows += bool(page.rows)
        self._answered_at = page.answered_at
        return self._items.add(page.rows, page.answered_at)


class ItemCounter:
    """The items read so far, each once and as its last row shows it; rows are not kept.

    ``status_of`` returns an item's status from its word.
    """

    def __init__(self, status_of: Callable[[str | None], ItemStatus]) -> None:
        self._status_of = status_of
        self._kinds: dict[str, int] = {}
        self._details = ItemDetails()

    def __len__(self) -> int:
        """Count the items."""
        return len(self._kinds)

    def add(self, rows: Sequence[ItemRow], answered_at: float) -> int:
        """Add rows, in place of earlier rows of the same items; return how many items are new.

        ``answered_at`` is the Unix time of the answer that held the rows.
        """
        kinds, before = self._kinds, len(self._kinds)
        failed, add_failed = self._details.failed, self._details.add_failed
        # A page has a thousand rows, but few pairs of status and skip reason.
        known: dict[tuple[str | None, str | None], int] = {}
        for row in rows:
            item_id, words = row.item_id, (row.status, row.skip_reason)
            kind = known.get(words)
            if kind is None:
                kind = known[words] = self._kind(*words)
            if kind == _FAILED:
                # Each failed item has a message of its own.
                reason = failure_reason(row.error_message)
                kind = _KIND_OF[ItemStatus.FAILED, reason]
                add_failed(row, reason)
            elif item_id in failed:
                del failed[item_id]
            kinds[item_id] = kind
        self._details.add_times(rows, answered_at)
        return len(kinds) - before

    def number_in(self, status: ItemStatus) -> int:
        """Count the items in one status."""
        return sum(_KINDS[kind][0] is status for kind in self._kinds.values())

    def counts(self, statuses: Iterable[ItemStatus]) -> ItemCounts:
        """Add up the items in these statuses."""
        by_status = dict.fromkeys(statuses, 0)
        by_reason: dict[ItemStatus, dict[str, int]] = defaultdict(dict)
        for kind, number in Counter(self._kinds.values()).items():
            status, reason = _KINDS[kind]
            # Report reasons only for a status of which all items were counted.
            if status in by_status:
                by_status[status] += number
                if reason is not None:
                    by_reason[status][reason] = number
        counts = ItemCounts(
            by_status=by_status,
            skip_reasons=by_reason[ItemStatus.SKIPPED],
            failure_reasons=by_reason[ItemStatus.FAILED],
            newest_at=self._details.newest_at,
            failed=tuple(self._details.failed.values()),
        )
        # The durations of some items must not be published as those of all.
        return replace(counts, durations=self._details.durations()) if counts.whole else counts

    def _kind(self, word: str | None, skip_reason: str | None) -> int:
        status = self._status_of(word)
        if status is not ItemStatus.SKIPPED:
            return _KIND_OF[status, None]
        is_known = skip_reason in KNOWN_SKIP_REASONS
        return _KIND_OF[status, skip_reason if is_known else OTHER_SKIP_REASON]
