"""Adding up items as their pages come in."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import (
    FAILED_ITEMS_KEPT,
    ITEM_DURATION_BUCKETS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    FailedItem,
    Histogram,
    ItemCounts,
    ItemStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.llamacloud.models import ItemRow

# Names and messages are free text without bound; a log line needs no more of them.
_TEXT_LENGTH = 500


@dataclass(slots=True)
class Tally:
    """The items seen so far, each once; of their rows only id and status are kept."""

    status_of: dict[str, ItemStatus] = field(default_factory=dict)
    skip_reasons: Counter[str] = field(default_factory=Counter)
    bucket_counts: list[int] = field(default_factory=lambda: [0] * (len(ITEM_DURATION_BUCKETS) + 1))
    seconds: float = 0.0
    newest_at: float | None = None
    failed: list[FailedItem] = field(default_factory=list)

    def add(self, row: ItemRow, status: ItemStatus) -> bool:
        """Count a row, as what it says now if its item was counted; tell whether it was new."""
        before = self.status_of.get(row.item_id)
        if before is status:
            return False
        self.status_of[row.item_id] = status
        self._add_times(row)
        if status is ItemStatus.SKIPPED:
            known = row.skip_reason if row.skip_reason in KNOWN_SKIP_REASONS else None
            self.skip_reasons[known or OTHER_SKIP_REASON] += 1
        if status is ItemStatus.FAILED and len(self.failed) < FAILED_ITEMS_KEPT:
            message = row.error_message and row.error_message[:_TEXT_LENGTH]
            self.failed.append(FailedItem(row.item_id, row.item_name[:_TEXT_LENGTH], message))
        return before is None

    def add_unseen(self, earlier: Mapping[str, ItemStatus]) -> None:
        """Count the items that only an earlier sweep saw, as they were then."""
        self.status_of = {**earlier, **self.status_of}

    def counts(self, statuses: Iterable[ItemStatus]) -> ItemCounts:
        """Return what was counted of these statuses."""
        counted = Counter(self.status_of.values())
        durations = Histogram(ITEM_DURATION_BUCKETS, tuple(self.bucket_counts), self.seconds)
        return ItemCounts(
            by_status={status: counted[status] for status in statuses},
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
