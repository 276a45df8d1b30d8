"""Details of the items of one job beside their counts: times, durations, first failed items."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from exporter.domain import FAILED_ITEMS_KEPT, ITEM_DURATION_BUCKETS, Histogram
from exporter.llamacloud.failure_reasons import failed_item
from exporter.llamacloud.times import plausible_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain import FailedItem
    from exporter.llamacloud.v1beta.items import ItemRow


class ItemDetails:
    """Details of the items read so far.

    ``newest_at`` is the latest time of all items, in Unix time. ``failed`` holds the first
    ``FAILED_ITEMS_KEPT`` failed items by their ids.
    """

    def __init__(self) -> None:
        self.newest_at: float | None = None
        self.failed: dict[str, FailedItem] = {}
        self._seconds: dict[str, float] = {}

    def add_failed(self, row: ItemRow, reason: str) -> None:
        """Keep a failed item, unless enough others are kept."""
        if len(self.failed) < FAILED_ITEMS_KEPT or row.item_id in self.failed:
            item = failed_item(row.item_id, row.item_name, row.error_message, reason)
            self.failed[row.item_id] = item

    def add_times(self, rows: Sequence[ItemRow], answered_at: float) -> None:
        """Add the times of rows, in place of those of earlier rows of the same items."""
        seconds, newest_at = self._seconds, self.newest_at or 0.0
        for row in rows:
            began_at = plausible_time(row.started_at, answered_at)
            ended_at = plausible_time(row.completed_at, answered_at)
            if began_at is not None and ended_at is not None:
                # Clocks of several servers may differ by a little: no duration is negative.
                seconds[row.item_id] = ended_at - began_at if ended_at > began_at else 0.0
            elif seconds:
                seconds.pop(row.item_id, None)
            if began_at is not None and began_at > newest_at:
                newest_at = began_at
            if ended_at is not None and ended_at > newest_at:
                newest_at = ended_at
        self.newest_at = newest_at or None

    def durations(self) -> Histogram:
        """Return the histogram of the seconds that items took."""
        bounds, seconds = ITEM_DURATION_BUCKETS, self._seconds.values()
        counted = Counter(bisect_left(bounds, each) for each in seconds)
        counts = tuple(counted[bucket] for bucket in range(len(bounds) + 1))
        return Histogram(bounds, counts, sum(seconds))
