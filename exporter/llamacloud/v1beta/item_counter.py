"""Adding up items as their pages come in."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from exporter.domain import (
    FAILED_ITEMS_KEPT,
    ITEM_DURATION_BUCKETS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    FailedItem,
    Histogram,
    ItemCounts,
    ItemStatus,
    latest,
)
from exporter.llamacloud.failure_reasons import failure_reason

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from exporter.llamacloud.v1beta.models import ItemRow

# Names and messages are free text without bound; a log line needs no more of them.
_TEXT_LENGTH = 500


class _Item(NamedTuple):
    """``reason`` is why the item was skipped, or why it failed; others have none."""

    status: ItemStatus
    reason: str | None
    seconds: float | None


@dataclass(slots=True)
class ItemCounter:
    """The items seen so far, each once, as it was seen last; of a row little is kept."""

    _items: dict[str, _Item] = field(default_factory=dict)
    _failed: dict[str, FailedItem] = field(default_factory=dict)
    _newest_at: float | None = None

    def __len__(self) -> int:
        """Count the items."""
        return len(self._items)

    def add(self, row: ItemRow, status: ItemStatus) -> bool:
        """Take in a row in the place of an earlier one; tell whether its item is new."""
        item_id, items = row.item_id, self._items
        is_new = item_id not in items
        items[item_id] = _item_of(row, status)
        for time in (row.started_at, row.completed_at):
            if time is not None and (self._newest_at is None or time > self._newest_at):
                self._newest_at = time
        if status is ItemStatus.FAILED:
            message = row.error_message and row.error_message[:_TEXT_LENGTH]
            self._keep_failed(FailedItem(item_id, row.item_name[:_TEXT_LENGTH], message))
        elif self._failed:
            self._failed.pop(item_id, None)
        return is_new

    def add_unseen(self, earlier: ItemCounter) -> None:
        """Take in the items that only an earlier counter has, as they were then."""
        for item_id, failed in earlier._failed.items():
            if item_id not in self._items:
                self._keep_failed(failed)
        self._items = {**earlier._items, **self._items}
        self._newest_at = latest(self._newest_at, earlier._newest_at)

    def number_in(self, status: ItemStatus) -> int:
        """Count the items in one status."""
        return sum(item.status is status for item in self._items.values())

    def counts(self, statuses: Iterable[ItemStatus]) -> ItemCounts:
        """Add up the items in these statuses."""
        numbers = Counter(item.status for item in self._items.values())
        by_status = {status: numbers[status] for status in statuses}
        return ItemCounts(
            by_status=by_status,
            skip_reasons=self._reasons(ItemStatus.SKIPPED, by_status),
            durations=self._durations(),
            newest_at=self._newest_at,
            failed=tuple(self._failed.values()),
            failure_reasons=self._reasons(ItemStatus.FAILED, by_status),
        )

    def _reasons(self, status: ItemStatus, counted: Container[ItemStatus]) -> dict[str, int]:
        # Those of a part of the items in a status would be taken for those of all.
        if status not in counted:
            return {}
        items = self._items.values()
        return dict(Counter(item.reason for item in items if item.status is status and item.reason))

    def _keep_failed(self, failed: FailedItem) -> None:
        if len(self._failed) < FAILED_ITEMS_KEPT or failed.item_id in self._failed:
            self._failed[failed.item_id] = failed

    def _durations(self) -> Histogram:
        bucket_counts = [0] * (len(ITEM_DURATION_BUCKETS) + 1)
        durations = [item.seconds for item in self._items.values() if item.seconds is not None]
        for seconds in durations:
            bucket_counts[bisect_left(ITEM_DURATION_BUCKETS, seconds)] += 1
        return Histogram(ITEM_DURATION_BUCKETS, tuple(bucket_counts), sum(durations))


def _item_of(row: ItemRow, status: ItemStatus) -> _Item:
    reason = _reason(row, status)
    started_at, completed_at = row.started_at, row.completed_at
    if started_at is None or completed_at is None:
        return _without_duration(status, reason)
    return _Item(status, reason, completed_at - started_at if completed_at > started_at else 0.0)


def _reason(row: ItemRow, status: ItemStatus) -> str | None:
    if status is ItemStatus.FAILED:
        return failure_reason(row.error_message)
    if status is ItemStatus.SKIPPED:
        return row.skip_reason if row.skip_reason in KNOWN_SKIP_REASONS else OTHER_SKIP_REASON
    return None


@cache
def _without_duration(status: ItemStatus, reason: str | None) -> _Item:
    """Return the one item that stands for all that differ by their ids alone: they are many."""
    return _Item(status, reason, None)
