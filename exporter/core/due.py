"""Which jobs are due for a refresh, in which order, and which steps each refresh takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.final_state import EARLY_BY_INTERVALS, LONGEST_WAIT_SECONDS
from exporter.domain import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.core.final_state import FinalState
    from exporter.core.rules import Rules
    from exporter.core.tracked_job import TrackedJob


@dataclass(frozen=True, slots=True)
class DueJobs:
    """The ids of the jobs to refresh: jobs that changed first, then the others, oldest data first.

    ``low_priority`` holds ended jobs, newest first: those that ended before they were seen, and
    those that could not be refreshed soon after their end.
    """

    regular: list[str]
    low_priority: list[str]


def due_jobs(jobs: Iterable[TrackedJob], rules: Rules, now: float, patience: float) -> DueJobs:
    """Return the jobs to refresh at the monotonic moment ``now``."""
    regular: list[tuple[bool, float, str]] = []
    low_priority: list[tuple[float, str]] = []
    for tracked in jobs:
        if not is_due(tracked, rules, now, patience):
            continue
        asked, final = _last_tried(tracked), tracked.final
        if final is None or final.is_recent(now):
            oldest_first = float("-inf") if asked is None else asked
            regular.append((not _has_moved(tracked), oldest_first, tracked.job.id))
        else:
            low_priority.append((-final.ended_monotonic, tracked.job.id))
    return DueJobs(
        regular=[job_id for *_, job_id in sorted(regular)],
        low_priority=[job_id for _, job_id in sorted(low_priority)],
    )


def is_count_due(final: FinalState, now: float) -> bool:
    """Return whether to count the items of an ended job now, if the job is refreshed."""
    return not final.items_known and now >= final.next_count_monotonic


def is_due(tracked: TrackedJob, rules: Rules, now: float, patience: float) -> bool:
    """Return whether to refresh a job now.

    An unchanged active job waits as long as it has been unchanged, ``patience`` seconds at most.
    """
    final = tracked.final
    if final is not None:
        wants_more = not final.status_known or (rules.items_enabled and is_count_due(final, now))
        return wants_more and now >= final.retry_monotonic
    asked = _last_tried(tracked)
    if asked is None or patience <= 0:
        return True
    still_seconds = asked - tracked.changed_asked_monotonic
    early_seconds = EARLY_BY_INTERVALS * rules.interval
    return now - asked >= min(still_seconds, patience) - early_seconds


def _has_moved(tracked: TrackedJob) -> bool:
    """Return whether a job changed since, or with, its last refresh."""
    asked = _last_tried(tracked)
    return asked is None or tracked.changed_asked_monotonic >= asked


def _last_tried(tracked: TrackedJob) -> float | None:
    return latest(tracked.status_asked_monotonic, tracked.failed_monotonic)


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
