"""Counting the items of a job in one sweep; pages are read and dropped."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from exporter.domain import (
    FAILED_ITEMS_KEPT,
    ITEM_DURATION_BUCKETS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    FailedItem,
    Histogram,
    ItemCounts,
    ItemsCounted,
    ItemStatus,
)
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta import PAGE_LIMIT

if TYPE_CHECKING:
    from exporter.llamacloud.models import ItemRow
    from exporter.llamacloud.v1beta import Page

# Names and messages are free text without bound; a log line needs no more of them.
_TEXT_LENGTH = 500


class ItemLister(Protocol):
    """Lists a job's items a page at a time."""

    async def list_items(self, job_id: str, offset: int) -> Page[ItemRow]:
        """List a page of a job's items."""

    def item_status(self, row: ItemRow) -> ItemStatus:
        """Name an item's status."""


async def count_items(
    lister: ItemLister, job_id: str, *, total_items: int, max_pages: int, may_sweep_twice: bool
) -> ItemsCounted | None:
    """Count a job's items by status, exactly; ``None`` means that they are too many to count.

    A sweep of more than one page that does not add up to ``total_items`` is done once more where
    ``may_sweep_twice``: a list that moves under the paging skips rows, so that of two sweeps the
    one that saw more is right.

    Raises:
        LlamaCloudError: a page could not be read, or was the same again.
    """
    if total_items > max_pages * PAGE_LIMIT:
        return None
    sweep = await _sweep(lister, job_id, max_pages)
    if sweep is None:
        return None
    adds_up = sweep.pages == 1 or sweep.total == total_items
    if may_sweep_twice and (sweep.broke_off or not adds_up):
        again = await _sweep(lister, job_id, max_pages)
        sweep = again if again is not None and again.total >= sweep.total else sweep
    if sweep.broke_off:
        raise BadResponse("the list of items repeats itself before its end")
    return sweep.counted


@dataclass(frozen=True, slots=True)
class _Sweep:
    counted: ItemsCounted
    pages: int
    broke_off: bool

    @property
    def total(self) -> int:
        return self.counted.counts.total


async def _sweep(lister: ItemLister, job_id: str, max_pages: int) -> _Sweep | None:
    tally = _Tally()
    offset = 0
    asked_monotonic: float | None = None
    for number in range(1, max_pages + 1):
        page = await lister.list_items(job_id, offset)
        asked_monotonic = page.asked_monotonic if asked_monotonic is None else asked_monotonic
        news = [tally.add(row, lister.item_status(row)) for row in page.rows]
        repeats = bool(news) and not any(news)
        if repeats or not page.more_follows:
            counted = ItemsCounted(job_id, tally.counts(), asked_monotonic, page.answered_at)
            return _Sweep(counted, number, repeats and page.promises_more_than(len(tally.seen)))
        offset = page.next_offset
    return None


@dataclass(slots=True)
class _Tally:
    """The items seen so far, each once; of the rows only ids are kept."""

    seen: set[str] = field(default_factory=set)
    by_status: Counter[ItemStatus] = field(default_factory=Counter)
    skip_reasons: Counter[str] = field(default_factory=Counter)
    bucket_counts: list[int] = field(default_factory=lambda: [0] * (len(ITEM_DURATION_BUCKETS) + 1))
    seconds: float = 0.0
    newest_at: float | None = None
    failed: list[FailedItem] = field(default_factory=list)

    def add(self, row: ItemRow, status: ItemStatus) -> bool:
        """Count a row unless its item was counted; tell whether it was new."""
        if row.item_id in self.seen:
            return False
        self.seen.add(row.item_id)
        self.by_status[status] += 1
        self._add_times(row)
        if status is ItemStatus.SKIPPED:
            known = row.skip_reason if row.skip_reason in KNOWN_SKIP_REASONS else None
            self.skip_reasons[known or OTHER_SKIP_REASON] += 1
        if status is ItemStatus.FAILED and len(self.failed) < FAILED_ITEMS_KEPT:
            message = row.error_message and row.error_message[:_TEXT_LENGTH]
            self.failed.append(FailedItem(row.item_id, row.item_name[:_TEXT_LENGTH], message))
        return True

    def counts(self) -> ItemCounts:
        durations = Histogram(ITEM_DURATION_BUCKETS, tuple(self.bucket_counts), self.seconds)
        return ItemCounts(
            by_status=dict(self.by_status),
            skip_reasons=dict(self.skip_reasons),
            durations=durations,
            newest_at=self.newest_at,
            failed=tuple(self.failed),
        )

    def _add_times(self, row: ItemRow) -> None:
        times = (self.newest_at, row.started_at, row.completed_at)
        self.newest_at = max((time for time in times if time is not None), default=None)
        if row.started_at is not None and row.completed_at is not None:
            seconds = max(row.completed_at - row.started_at, 0.0)
            self.bucket_counts[bisect_left(ITEM_DURATION_BUCKETS, seconds)] += 1
            self.seconds += seconds
