"""What a count of a job's items changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.events import ItemsFailed, MoreItemsFailed
from exporter.domain import FAILED_ITEMS_KEPT, ItemStatus

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.jobs import TrackedJob
    from exporter.domain import ItemCounts, ItemsCounted


def with_counts(
    tracked: TrackedJob, answer: ItemsCounted, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a count of the items, and report the failed ones that are news."""
    tracked, events = _with_failures_reported(tracked, answer.counts)
    before, counts, asked = tracked.counts, answer.counts, answer.asked_monotonic
    moved = before is not None and dict(before.by_status) != dict(counts.by_status)
    final = tracked.final
    if final is not None:
        all_there = counts.total >= (tracked.job.total_items or 0) or not counts.whole
        final = final.counted(asked, now, settled=counts.settled and all_there)
    counted = replace(
        tracked,
        counts=replace(counts, failed=()),
        total_items_at_last_count=tracked.job.total_items,
        items_last_counted_at=answer.answered_at,
        items_asked_monotonic=asked,
        changed_asked_monotonic=asked if moved else tracked.changed_asked_monotonic,
        final=final,
    )
    return counted, events


def with_nothing_counted(tracked: TrackedJob, asked_monotonic: float) -> TrackedJob:
    """Apply that a job has too many items to count: its counts fall short, and are withdrawn.

    This is ignored if the job ended after the count began: ended jobs get larger limits.
    """
    final = tracked.final
    if final is not None and asked_monotonic < final.asked_monotonic:
        return tracked
    return replace(
        tracked,
        counts=None,
        total_items_at_last_count=tracked.job.total_items,
        items_last_counted_at=None,
        items_asked_monotonic=asked_monotonic,
        final=final and replace(final, items_known=True),
    )


def _with_failures_reported(
    tracked: TrackedJob, counts: ItemCounts
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Report the failed items that were not reported before, the first of them one by one."""
    before = tracked.reported_failures
    room = FAILED_ITEMS_KEPT - len(before)
    fresh = tuple(item for item in counts.failed if item.item_id not in before)[:room]
    reported = before | {item.item_id for item in fresh}
    shown = sum(item.item_id in reported for item in counts.failed)
    not_shown = counts.by_status.get(ItemStatus.FAILED, 0) - shown
    events: list[Event] = [ItemsFailed(tracked.job, fresh)] if fresh else []
    reports_more = not_shown > 0 and not tracked.more_failures_reported
    if reports_more:
        events.append(MoreItemsFailed(tracked.job, not_shown))
    updated = replace(
        tracked,
        reported_failures=reported,
        more_failures_reported=tracked.more_failures_reported or reports_more,
    )
    return updated, tuple(events)
