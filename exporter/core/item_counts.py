"""The changes that a count of a job's items makes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.events import ItemsFailed, ItemsFailedBeforeStart, MoreItemsFailed
from exporter.core.final_state import MOST_DOUBLINGS
from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILED_ITEMS_KEPT,
    ItemCounts,
    ItemStatus,
    UncountedReason,
)

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import ItemsCounted, Job, NotCounted


def is_counted(tracked: TrackedJob) -> bool:
    """Return whether all items were counted; those of an ended job since its end."""
    counts, final = tracked.counts, tracked.final
    if tracked.nothing_to_count or _is_not_mapped_yet(tracked):
        return True
    if counts is None or not counts.whole:
        return False
    return final is None or final.items_known or final.times_counted > 0


def _is_not_mapped_yet(tracked: TrackedJob) -> bool:
    """Return whether a batch of v2 may have no items yet: none were requested."""
    is_told, was_asked = tracked.job.told_by_items, tracked.items_asked_monotonic is not None
    return is_told and tracked.final is None and not tracked.job.is_mapped and not was_asked


def items_not_ended(tracked: TrackedJob) -> int | None:
    """Return how many items had not ended at the last count, ``None`` if never all were counted."""
    counts = tracked.counts
    if tracked.nothing_to_count:
        return 0
    if counts is None or not counts.whole:
        return None
    total = max(counts.total, tracked.job.total_items or 0)
    return total - sum(counts.by_status[status] for status in ENDED_ITEM_STATUSES)


def with_counts(
    tracked: TrackedJob, answer: ItemsCounted, asked_of: Job, now: float, interval: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a count of the items, and report failed items that were not reported before.

    ``asked_of`` is the job at the time the count began.
    """
    tracked, events = with_failures_reported(tracked, answer.counts)
    before, counts, asked = tracked.counts, answer.counts, answer.asked_monotonic
    moved = before is not None and dict(before.by_status) != dict(counts.by_status)
    final = tracked.final
    if final is not None:
        settled = _is_settled(tracked, counts)
        final = final.counted(asked, now, settled=settled, interval=interval)
    counted = replace(
        tracked,
        counts=replace(counts, failed=()),
        total_items_at_last_count=asked_of.total_items,
        items_last_counted_at=answer.answered_at,
        items_asked_monotonic=asked,
        times_not_added_up=0,
        changed_asked_monotonic=asked if moved else tracked.changed_asked_monotonic,
        final=final,
    )
    return counted, events


def with_nothing_counted(
    tracked: TrackedJob, answer: NotCounted, asked_of: Job, now: float, interval: float
) -> TrackedJob:
    """Apply that a job's items cannot be counted exactly: earlier counts are withdrawn.

    If an ended job has too many items, it is not counted again, because it already had the larger
    limits of ended jobs. This is ignored if the job ended after the count began.
    """
    asked, final = answer.asked_monotonic, tracked.final
    if final is not None:
        if asked < final.asked_monotonic:
            return tracked
        too_many = answer.reason is UncountedReason.TOO_MANY_ITEMS
        final = final.counted(asked, now, settled=too_many, interval=interval)
    # Unreadable items are counted again at once: the next answer may be readable.
    is_unreadable = answer.reason is UncountedReason.UNREADABLE_ITEMS
    falls_short = answer.reason is UncountedReason.DOES_NOT_ADD_UP
    times_before = min(tracked.times_not_added_up, MOST_DOUBLINGS)
    return replace(
        tracked,
        counts=None,
        total_items_at_last_count=asked_of.total_items,
        items_last_counted_at=None,
        items_asked_monotonic=None if is_unreadable else asked,
        times_not_added_up=times_before + 1 if falls_short else 0,
        final=final,
    )


def _is_settled(tracked: TrackedJob, counts: ItemCounts) -> bool:
    all_there = counts.total >= (tracked.job.total_items or 0) or not counts.whole
    return counts.settled and all_there


def failures_summed_up(tracked: TrackedJob, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Replace the reports of single failed items by one report for the job."""
    others = tuple(e for e in events if not isinstance(e, ItemsFailed | MoreItemsFailed))
    counts = tracked.counts
    if counts is None or len(others) == len(events):
        return events
    items = tuple(item for e in events if isinstance(e, ItemsFailed) for item in e.items)
    number = counts.by_status[ItemStatus.FAILED]
    summary = ItemsFailedBeforeStart(tracked.job, number, counts.failure_reasons, items)
    return (*others, summary)


def with_failures_reported(
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
