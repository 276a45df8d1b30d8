"""From the state of a project to the view of it that is published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import (
    ACTIVE_STATUSES,
    ItemStatus,
    JobType,
    JobView,
    ProjectGauges,
    ProjectView,
)
from exporter.tracker.leaving import shown_jobs, with_final_counts_closed, without_leavers
from exporter.tracker.records import failing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.tracker.state import ProjectState, TrackedJob, TrackerRules


def publish(
    state: ProjectState, rules: TrackerRules, now: float
) -> tuple[ProjectState, ProjectView]:
    """Let go what is over at the monotonic moment ``now``, and show the rest."""
    state = without_leavers(with_final_counts_closed(state, now), rules, now)
    generation = state.generation + 1
    shown = shown_jobs(state, rules)
    jobs = _with_first_showing(state.jobs, shown, generation)
    state = replace(state, jobs=jobs, generation=generation)
    return state, _view(state, rules, shown, now)


def _view(
    state: ProjectState, rules: TrackerRules, shown: frozenset[str], now: float
) -> ProjectView:
    stale = is_stale(state, rules, now)
    visible = (tracked for job_id, tracked in sorted(state.jobs.items()) if job_id in shown)
    return ProjectView(
        project=rules.project,
        generation=state.generation,
        counters=state.counters,
        gauges=None if stale else _gauges(state, rules),
        jobs=tuple(_job_view(job) for job in visible if job.ending is not None or not stale),
        tracked_jobs=len(state.jobs),
        hidden_jobs=len(state.jobs) - len(shown),
        uncounted_jobs=None if stale or not rules.items_enabled else _uncounted(state),
        listing_truncated=state.listing_truncated,
        last_listing_at=state.last_listing_at,
    )


def is_stale(state: ProjectState, rules: TrackerRules, now: float) -> bool:
    """Tell whether a project was not listed for too long, or never."""
    listed = state.last_listing_monotonic
    return listed is None or now - listed > rules.stale_after


def _with_first_showing(
    jobs: Mapping[str, TrackedJob], shown: frozenset[str], generation: int
) -> dict[str, TrackedJob]:
    marked = dict(jobs)
    for job_id in shown:
        tracked = marked[job_id]
        if tracked.ending is not None and tracked.ending.shown_since_generation is None:
            ending = replace(tracked.ending, shown_since_generation=generation)
            marked[job_id] = replace(tracked, ending=ending)
    return marked


def _gauges(state: ProjectState, rules: TrackerRules) -> ProjectGauges:
    active_jobs = {(job_type, status): 0 for job_type in JobType for status in ACTIVE_STATUSES}
    active_items = dict.fromkeys(ItemStatus, 0)
    failing_jobs = dict.fromkeys(JobType, 0)
    for tracked in state.jobs.values():
        failing_jobs[tracked.job.job_type] += failing(tracked)
        if tracked.ending is not None:
            continue
        active_jobs[tracked.job.job_type, tracked.job.status] += 1
        if tracked.counts is not None and tracked.counts.whole:
            for status, number in tracked.counts.by_status.items():
                active_items[status] += number
    return ProjectGauges(
        project_id=rules.project_id or state.seen_project_id,
        organization_id=rules.organization_id or "",
        api_version=rules.api_version,
        active_jobs=active_jobs,
        failing_jobs=failing_jobs,
        active_items=active_items if rules.items_enabled else None,
    )


def _uncounted(state: ProjectState) -> int:
    return sum(
        tracked.ending is None and not (tracked.counts and tracked.counts.whole)
        for tracked in state.jobs.values()
    )


def _job_view(tracked: TrackedJob) -> JobView:
    job = tracked.job
    return JobView(
        job_id=job.id,
        job_type=job.job_type,
        directory_id=job.directory_id or "",
        status=job.status,
        total_items=job.total_items,
        progress_ratio=tracked.progress_ratio,
        processed_items=job.processed_items,
        failed_items=job.failed_items,
        skipped_items=job.skipped_items,
        items=tracked.counts.by_status if tracked.counts else None,
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
        last_progress_at=tracked.last_progress_at,
        last_refreshed_at=tracked.last_refreshed_at,
        items_last_counted_at=tracked.items_last_counted_at,
    )
