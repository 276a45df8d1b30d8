"""Adding up the items of one job, page by page."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from exporter.domain import (
    FAILED_ITEMS_KEPT,
    FAILURE_REASONS,
    ITEM_DURATION_BUCKETS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    FailedItem,
    Histogram,
    ItemCounts,
    ItemStatus,
)
from exporter.llamacloud.failure_reasons import failure_reason
from exporter.llamacloud.times import plausible_time
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from exporter.llamacloud.v1beta.items import ItemRow

# Enough of the names and messages of items for a log line.
_LOGGED_LENGTH = 500
# Each item is kept as the number of its kind, which is hashed and counted faster than an enum.
_REASONS: Mapping[ItemStatus, tuple[str, ...]] = {
    ItemStatus.SKIPPED: (*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON),
    ItemStatus.FAILED: FAILURE_REASONS,
}
_KINDS: tuple[tuple[ItemStatus, str | None], ...] = (
    *((status, None) for status in ItemStatus),
    *((status, reason) for status, reasons in _REASONS.items() for reason in reasons),
)
_KIND_OF = {kind: number for number, kind in enumerate(_KINDS)}
_FAILED = _KIND_OF[ItemStatus.FAILED, None]


class ItemCounter:
    """The items read so far, each once and as its last row shows it; rows are not kept.

    ``status_of`` returns an item's status from its word.
    """

    def __init__(self, status_of: Callable[[str | None], ItemStatus]) -> None:
        self._status_of = status_of
        self._kinds: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._failed: dict[str, FailedItem] = {}
        self._newest_at: float | None = None

    def __len__(self) -> int:
        """Count the items."""
        return len(self._kinds)

    def add(self, rows: Sequence[ItemRow], answered_at: float) -> int:
        """Add rows, in place of earlier rows of the same items; return how many items are new.

        ``answered_at`` is the Unix time of the answer that held the rows.
        """
        kinds, before = self._kinds, len(self._kinds)
        # A page has a thousand rows, but few pairs of status and skip reason.
        known: dict[tuple[str | None, str | None], int] = {}
        for row in rows:
            item_id, words = row.item_id, (row.status, row.skip_reason)
            kind = known.get(words)
            if kind is None:
                kind = known[words] = self._kind(*words)
            if kind == _FAILED:
                # Each failed item has a message of its own.
                kind = _KIND_OF[ItemStatus.FAILED, failure_reason(row.error_message)]
                self._keep_failed(row)
            elif item_id in self._failed:
                del self._failed[item_id]
            kinds[item_id] = kind
        self._add_times(rows, answered_at)
        return len(kinds) - before

    def number_in(self, status: ItemStatus) -> int:
        """Count the items in one status."""
        return sum(_KINDS[kind][0] is status for kind in self._kinds.values())

    def counts(self, statuses: Iterable[ItemStatus]) -> ItemCounts:
        """Add up the items in these statuses."""
        by_status = dict.fromkeys(statuses, 0)
        by_reason: dict[ItemStatus, dict[str, int]] = {status: {} for status in _REASONS}
        for kind, number in Counter(self._kinds.values()).items():
            status, reason = _KINDS[kind]
            # Report reasons only for a status of which all items were counted.
            if status in by_status:
                by_status[status] += number
                if reason is not None:
                    by_reason[status][reason] = number
        return ItemCounts(
            by_status=by_status,
            skip_reasons=by_reason[ItemStatus.SKIPPED],
            failure_reasons=by_reason[ItemStatus.FAILED],
            durations=self._durations(),
            newest_at=self._newest_at,
            failed=tuple(self._failed.values()),
        )

    def _kind(self, word: str | None, skip_reason: str | None) -> int:
        status = self._status_of(word)
        if status is not ItemStatus.SKIPPED:
            return _KIND_OF[status, None]
        is_known = skip_reason in KNOWN_SKIP_REASONS
        return _KIND_OF[status, skip_reason if is_known else OTHER_SKIP_REASON]

    def _add_times(self, rows: Sequence[ItemRow], answered_at: float) -> None:
        seconds, newest_at = self._seconds, self._newest_at or 0.0
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
        self._newest_at = newest_at or None

    def _keep_failed(self, row: ItemRow) -> None:
        if len(self._failed) < FAILED_ITEMS_KEPT or row.item_id in self._failed:
            self._failed[row.item_id] = FailedItem(
                item_id=row.item_id,
                item_name=cut(row.item_name, _LOGGED_LENGTH),
                error_message=cut(row.error_message, _LOGGED_LENGTH),
                reason=failure_reason(row.error_message),
            )

    def _durations(self) -> Histogram:
        bounds, seconds = ITEM_DURATION_BUCKETS, self._seconds.values()
        counted = Counter(bisect_left(bounds, each) for each in seconds)
        counts = tuple(counted[bucket] for bucket in range(len(bounds) + 1))
        return Histogram(bounds, counts, sum(seconds))
