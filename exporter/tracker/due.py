"""Which jobs are to be asked for, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.tracker.state import Ending, ProjectState, TrackedJob, TrackerRules

FINAL_COUNTS = 5
_FINAL_COUNTS_WITHIN_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class DueJobs:
    """Ids of the jobs to refresh, oldest data first.

    ``last_in_line`` are those that had ended before they were seen: their row said it all but the
    items.
    """

    regular: list[str]
    last_in_line: list[str]


def due_for_refresh(state: ProjectState, rules: TrackerRules, now: float) -> DueJobs:
    """List the jobs that are to be refreshed at the monotonic moment ``now``."""
    due = sorted((job for job in state.jobs.values() if _due(job, rules, now)), key=_turn)
    return DueJobs(
        regular=[tracked.job.id for tracked in due if not _was_over(tracked)],
        last_in_line=[tracked.job.id for tracked in due if _was_over(tracked)],
    )


def is_due(state: ProjectState, job_id: str, rules: TrackerRules, now: float) -> bool:
    """Tell whether a job is still to be refreshed."""
    tracked = state.jobs.get(job_id)
    return tracked is not None and _due(tracked, rules, now)


def wants_status(state: ProjectState, job_id: str) -> bool:
    """Tell whether a job's status is to be asked for: not again once its final one is known."""
    tracked = state.jobs.get(job_id)
    return tracked is not None and not (tracked.ending and tracked.ending.status_known)


def wants_count(state: ProjectState, job_id: str, rules: TrackerRules) -> bool:
    """Tell whether a job's items are to be counted after its status was asked for."""
    tracked = state.jobs.get(job_id)
    if tracked is None or not rules.items_enabled:
        return False
    if tracked.ending is not None:
        return not tracked.ending.items_known
    too_many = tracked.counts is None and tracked.counted_total == tracked.job.total_items
    return not too_many


def may_sweep_twice(state: ProjectState, job_id: str) -> bool:
    """Tell whether a sweep that does not add up to ``total_items`` may be done once more.

    A list that moves skips rows, so a second sweep may help; where it did not, it would not help
    again until ``total_items`` changes.
    """
    tracked = state.jobs.get(job_id)
    if tracked is None or tracked.counts is None:
        return True
    did_not_add_up = tracked.counts.total != tracked.counted_total
    return not (did_not_add_up and tracked.counted_total == tracked.job.total_items)


def final_counts_are_over(ending: Ending, now: float) -> bool:
    """Tell whether the time in which an ended job is asked for again has passed."""
    began = ending.first_attempt_monotonic
    return began is not None and now - began > _FINAL_COUNTS_WITHIN_SECONDS


def _due(tracked: TrackedJob, rules: TrackerRules, now: float) -> bool:
    ending = tracked.ending
    if ending is None:
        return True
    if final_counts_are_over(ending, now):
        return False
    return not ending.status_known or (rules.items_enabled and not ending.items_known)


def _was_over(tracked: TrackedJob) -> bool:
    return tracked.ending is not None and tracked.ending.ended_before_first_sight


def _turn(tracked: TrackedJob) -> tuple[float, str]:
    asked = tracked.status_asked_monotonic
    return float("-inf") if asked is None else asked, tracked.job.id
