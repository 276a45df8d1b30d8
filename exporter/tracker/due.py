"""Which jobs are to be asked for, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.tracker.state import ProjectState, TrackedJob, TrackerRules

_COUNT_WAITS_AT_MOST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class DueJobs:
    """Ids of the jobs to refresh, oldest data first.

    ``last_in_line`` are ended jobs whose row said it all but the items, newest first: those that
    had ended before they were seen, and those that could not be asked for in time.
    """

    regular: list[str]
    last_in_line: list[str]


def due_for_refresh(state: ProjectState, rules: TrackerRules, now: float) -> DueJobs:
    """List the jobs that are to be refreshed at the monotonic moment ``now``."""
    regular: list[TrackedJob] = []
    last: list[TrackedJob] = []
    for tracked in state.jobs.values():
        if tracked.ending is None:
            regular.append(tracked)
        elif _due(tracked, rules):
            (regular if tracked.ending.is_recent(now) else last).append(tracked)
    return DueJobs(
        regular=[tracked.job.id for tracked in sorted(regular, key=_oldest_data_first)],
        last_in_line=[tracked.job.id for tracked in sorted(last, key=_newest_end_first)],
    )


def is_due(state: ProjectState, job_id: str, rules: TrackerRules) -> bool:
    """Tell whether a job is still to be refreshed."""
    tracked = state.jobs.get(job_id)
    return tracked is not None and _due(tracked, rules)


def wants_status(state: ProjectState, job_id: str) -> bool:
    """Tell whether a job's status is to be asked for: not again once its final one is known."""
    tracked = state.jobs.get(job_id)
    return tracked is not None and not (tracked.ending and tracked.ending.status_known)


def wants_count(state: ProjectState, job_id: str, rules: TrackerRules, now: float) -> bool:
    """Tell whether a job's items are to be counted after its status was asked for.

    One that had too many is tried again when it grew, or else every quarter of an hour: how many
    matter may have changed.
    """
    tracked = state.jobs.get(job_id)
    if tracked is None or not rules.items_enabled:
        return False
    if tracked.ending is not None:
        return not tracked.ending.items_known
    too_many = tracked.counts is None and tracked.counted_total == tracked.job.total_items
    return not (too_many and _asked_for_items_lately(tracked, now))


def count_can_wait(state: ProjectState, job_id: str, now: float) -> bool:
    """Tell whether a count may wait while others are more urgent.

    That is so while nothing has changed since the last one, and for a quarter of an hour at most:
    items may move without their job showing it.
    """
    tracked = state.jobs.get(job_id)
    if tracked is None or tracked.ending is not None or tracked.counts is None:
        return False
    asked = tracked.items_asked_monotonic
    changed = asked is None or tracked.changed_asked_monotonic >= asked
    return not changed and _asked_for_items_lately(tracked, now)


def _asked_for_items_lately(tracked: TrackedJob, now: float) -> bool:
    asked = tracked.items_asked_monotonic
    return asked is not None and now - asked < _COUNT_WAITS_AT_MOST_SECONDS


def _due(tracked: TrackedJob, rules: TrackerRules) -> bool:
    return tracked.ending is None or not tracked.ending.is_final(items_enabled=rules.items_enabled)


def _oldest_data_first(tracked: TrackedJob) -> tuple[float, str]:
    asked = tracked.status_asked_monotonic
    return float("-inf") if asked is None else asked, tracked.job.id


def _newest_end_first(tracked: TrackedJob) -> tuple[float, str]:
    return -(tracked.ending.ended_monotonic if tracked.ending else 0.0), tracked.job.id
