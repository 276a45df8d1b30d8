"""Which jobs are shown, and when they leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.tracker.entering import entered
from exporter.tracker.records import failing, retention_seconds

if TYPE_CHECKING:
    from exporter.tracker.ending import Ending
    from exporter.tracker.state import ProjectState, TrackedJob, TrackerRules


def shown_jobs(state: ProjectState, rules: TrackerRules) -> frozenset[str]:
    """Choose the jobs that have series of their own: all of them, or the most important ones."""
    if len(state.jobs) <= rules.max_jobs:
        return frozenset(state.jobs)
    ranked = sorted(state.jobs.values(), key=_rank)
    return frozenset(tracked.job.id for tracked in ranked[: rules.max_jobs])


def without_leavers(
    state: ProjectState, rules: TrackerRules, now: float, *, shown: frozenset[str]
) -> ProjectState:
    """Drop the ended jobs whose retention is over; ``shown`` are those that have series."""
    leaving = {
        job_id: tracked.ending
        for job_id, tracked in state.jobs.items()
        if tracked.ending is not None
        and _leaves(state, tracked, tracked.ending, rules, now, is_shown=job_id in shown)
    }
    if not leaving:
        return state
    staying = {job_id: job for job_id, job in state.jobs.items() if job_id not in leaving}
    remembered = {
        job_id: replace(state.accounts[job_id], ends_seen=ending.ends_seen)
        for job_id, ending in leaving.items()
    }
    return replace(state, jobs=staying, accounts={**state.accounts, **remembered})


def with_final_counts_closed(state: ProjectState, now: float) -> ProjectState:
    """Take ended jobs' last counts for final once the time for counting again is over."""
    endings = (
        (tracked, tracked.ending.with_time_passed(now))
        for tracked in state.jobs.values()
        if tracked.ending is not None and not tracked.ending.items_known
    )
    closed = [replace(tracked, ending=ending) for tracked, ending in endings if ending.items_known]
    return entered(state, *closed)


def _leaves(
    state: ProjectState,
    tracked: TrackedJob,
    ending: Ending,
    rules: TrackerRules,
    now: float,
    *,
    is_shown: bool,
) -> bool:
    age_seconds = now - ending.ended_monotonic
    if age_seconds < min(rules.retention_finished, rules.retention_failed):
        return False
    keep_seconds = retention_seconds(rules, is_failing=failing(tracked))
    asked_for = ending.is_recent(now) and not ending.is_final(items_enabled=rules.items_enabled)
    if age_seconds < keep_seconds or asked_for:
        return False
    if not is_shown or age_seconds >= max(keep_seconds, rules.retention_failed):
        return True
    return _scraped_enough(state, ending, rules)


def _scraped_enough(state: ProjectState, ending: Ending, rules: TrackerRules) -> bool:
    if rules.min_scrapes == 0:
        return True
    if ending.shown_since_generation is None:
        return False
    scraped = state.scraped_generations
    return len(scraped) >= rules.min_scrapes and min(scraped) >= ending.shown_since_generation


def _rank(tracked: TrackedJob) -> tuple[int, float, str]:
    """Rank by importance: a job that is shown is not displaced by a newer one of its kind.

    Active and failing first, then active (oldest first), then ended with failures, then the rest
    (newest first).
    """
    job = tracked.job
    if tracked.ending is None:
        return (0 if failing(tracked) else 1), job.created_at or 0.0, job.id
    return (2 if failing(tracked) else 3), -tracked.ending.ended_monotonic, job.id
