"""Counting the items of a job, exactly or not at all."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import (
    ITEM_DURATION_BUCKETS,
    Histogram,
    ItemStatus,
    TooManyItems,
)
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta.paging import PAGE_LIMIT
from exporter.llamacloud.v1beta.sweep import Sweep

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, ItemsCounted, Job
    from exporter.llamacloud.v1beta.reader import Reader

# Statuses still counted, by filtered listing, when a job is too large to read whole. An item that
# moves on meanwhile is met again in a later one of these lists.
_NOTABLE_STATUSES = (
    ItemStatus.PROCESSING,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)


async def count_items(
    reader: Reader, job: Job, *, max_pages: int, before: ItemCounts | None
) -> ItemsCounted | TooManyItems:
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
    sweep = Sweep(reader, job.id)
    if not await sweep.read_all(max_pages):
        # Pages may be shorter than what was asked for, and the list longer than the job says.
        return await _count_notable(reader, job, max_pages, asked_monotonic)
    if not (sweep.adds_up_to(job.total_items) or sweep.gave_as_many_as(before)):
        sweep = await _swept_again(sweep, job, max_pages)
    if sweep.broke_off:
        raise BadResponse("the list of items repeats itself before its end")
    return sweep.counted()


async def _swept_again(earlier: Sweep, job: Job, max_pages: int) -> Sweep:
    again = Sweep(earlier.reader, job.id)
    if not await again.read_all(max_pages):
        return earlier
    if not again.adds_up_to(job.total_items):
        again.add_unseen(earlier)
    return again


async def _count_notable(
    reader: Reader, job: Job, max_pages: int, asked_monotonic: float
) -> ItemsCounted | TooManyItems:
    sweep = Sweep(reader, job.id)
    counted = [
        status
        for position, status in enumerate(_NOTABLE_STATUSES)
        if await _read_notable(sweep, job, status, position, max_pages)
    ]
    if not counted:
        return TooManyItems(job.id, asked_monotonic)
    answer = sweep.counted(counted)
    # The durations of the few that were read would pass for those of all.
    no_durations = Histogram.empty(ITEM_DURATION_BUCKETS)
    return replace(answer, counts=replace(answer.counts, durations=no_durations))


async def _read_notable(
    sweep: Sweep, job: Job, status: ItemStatus, position: int, max_pages: int
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
