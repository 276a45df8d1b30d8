"""From the state of a project to the view of it that is published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import ProjectView
from exporter.tracker.leaving import shown_jobs, with_final_counts_closed, without_leavers
from exporter.tracker.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import JobView, Steps
    from exporter.tracker.state import ProjectState, TrackedJob, TrackerRules

_JOBS_A_STEP = 50


def publish(
    state: ProjectState, rules: TrackerRules, now: float
) -> tuple[ProjectState, Steps[ProjectView]]:
    """Let go what is over at the monotonic moment ``now``, and show the rest.

    The view is made in steps, and shows the state that is returned whatever comes meanwhile.
    """
    state = with_final_counts_closed(state, now)
    shown = shown_jobs(state, rules)
    staying = without_leavers(state, rules, now, shown=shown)
    if staying is not state:
        state, shown = staying, shown_jobs(staying, rules)
    generation = state.generation + 1
    jobs = _with_first_showing(state.jobs, shown, generation)
    state = replace(state, jobs=jobs, generation=generation)
    return state, _view(state, rules, shown, stale=is_stale(state, rules, now))


def _view(
    state: ProjectState, rules: TrackerRules, shown: frozenset[str], *, stale: bool
) -> Steps[ProjectView]:
    totals = Totals()
    jobs: list[JobView] = []
    for number, (job_id, tracked) in enumerate(state.jobs.items()):
        if number % _JOBS_A_STEP == 0:
            yield
        totals.add(tracked)
        if job_id in shown and (tracked.ending is not None or not stale):
            jobs.append(tracked.view)
    return ProjectView(
        project=rules.project,
        generation=state.generation,
        counters=state.counters,
        gauges=None if stale else totals.gauges(state, rules),
        jobs=tuple(jobs),
        tracked_jobs=len(state.jobs),
        hidden_jobs=len(state.jobs) - len(shown),
        uncounted_jobs=None if stale or not rules.items_enabled else totals.uncounted_jobs,
        listing_truncated=state.listing_truncated,
        last_listing_at=state.last_listing_at,
    )


def is_stale(state: ProjectState, rules: TrackerRules, now: float) -> bool:
    """Tell whether a project was not listed for too long, or never."""
    listed = state.last_listing_monotonic
    return listed is None or now - listed > rules.stale_after


def _with_first_showing(
    jobs: Mapping[str, TrackedJob], shown: frozenset[str], generation: int
) -> Mapping[str, TrackedJob]:
    newly_shown = {
        job_id: replace(tracked, ending=replace(tracked.ending, shown_since_generation=generation))
        for job_id, tracked in jobs.items()
        if tracked.ending is not None
        and tracked.ending.shown_since_generation is None
        and job_id in shown
    }
    return {**jobs, **newly_shown} if newly_shown else jobs
