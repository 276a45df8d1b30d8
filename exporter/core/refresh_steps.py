"""Which steps the refresh of a job takes: its status, and a count of its items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.final_state import EARLY_BY_INTERVALS, LONGEST_WAIT_SECONDS
from exporter.core.queue import is_count_due

if TYPE_CHECKING:
    from exporter.core.rules import Rules
    from exporter.core.tracked_job import TrackedJob


def is_unfinished(tracked: TrackedJob, rules: Rules) -> bool:
    """Return whether a job is still to be refreshed, now or later."""
    final = tracked.final
    return final is None or not final.is_complete(items_enabled=rules.items_enabled)


def wants_status(tracked: TrackedJob) -> bool:
    """Return whether to fetch a job's status: not once its final one is known."""
    if tracked.final is None or tracked.job.told_by_items:
        return True
    return not tracked.final.status_known


def wants_count(tracked: TrackedJob, rules: Rules, now: float) -> bool:
    """Return whether to count a job's items after its status was fetched.

    An active job whose items could not be counted is counted again when it has grown, or else every
    quarter of an hour: some statuses may have few enough items by then. If its items did not add
    up, it is counted again after one interval, then two, four and so on.
    """
    if tracked.job.told_by_items:
        return tracked.final is None or not tracked.final.items_known
    if not rules.items_enabled:
        return False
    if tracked.final is not None:
        return is_count_due(tracked.final, now)
    as_before = tracked.total_items_at_last_count == tracked.job.total_items
    if tracked.counts is not None or not as_before or tracked.items_asked_monotonic is None:
        return True
    return now - tracked.items_asked_monotonic >= _uncounted_wait_seconds(tracked, rules)


def count_can_wait(tracked: TrackedJob, now: float) -> bool:
    """Return whether a count may wait because others are more urgent.

    It may while its job has not changed since the last count, for a quarter of an hour at most:
    items may change without a change of their job.
    """
    asked = tracked.items_asked_monotonic
    if tracked.final is not None or tracked.counts is None or asked is None:
        return False
    if tracked.job.told_by_items:
        return False
    return tracked.changed_asked_monotonic < asked and now - asked < LONGEST_WAIT_SECONDS


def _uncounted_wait_seconds(tracked: TrackedJob, rules: Rules) -> float:
    if tracked.times_not_added_up == 0:
        return LONGEST_WAIT_SECONDS
    intervals: float = 2 ** (tracked.times_not_added_up - 1) - EARLY_BY_INTERVALS
    return min(intervals * rules.interval, LONGEST_WAIT_SECONDS)
