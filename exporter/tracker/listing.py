"""What a listing tells: its rows, and that it was taken."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from exporter.tracker.intake import Intake
from exporter.tracker.remembering import still_needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.domain import Job, Listing
    from exporter.tracker.state import Event, ProjectState, TrackerRules

    Transition = Callable[[ProjectState], tuple[ProjectState, tuple[Event, ...]]]


_ROWS_A_TRANSITION = 100


def taking_in(listing: Listing, rules: TrackerRules, now: float) -> Iterator[Transition]:
    """Take in one listing, seen whole at the monotonic moment ``now``, some rows at a time.

    Each transition is applied to the state as it is then: answers may come between them.
    """
    yield partial(_begun, listing=listing)
    for start in range(0, len(listing.jobs), _ROWS_A_TRANSITION):
        rows = listing.jobs[start : start + _ROWS_A_TRANSITION]
        yield partial(_rows_listed, rows=rows, listing=listing, rules=rules, now=now)
    yield partial(_ended, listing=listing, now=now)


def _begun(state: ProjectState, listing: Listing) -> tuple[ProjectState, tuple[Event, ...]]:
    baseline_at = listing.began_at if state.baseline_at is None else state.baseline_at
    return replace(state, baseline_at=baseline_at), ()


def _rows_listed(
    state: ProjectState, rows: Sequence[Job], listing: Listing, rules: TrackerRules, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    intake = Intake(state, listing, rules, now)
    for job in rows:
        intake.take(job)
    counters = intake.book.counters()
    updated = replace(state, jobs=intake.jobs, accounts=intake.accounts, counters=counters)
    return updated, tuple(intake.events)


def _ended(
    state: ProjectState, listing: Listing, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    accounts = state.accounts
    if listing.reached_end:
        accounts = still_needed(accounts, listing, state.jobs)
    ended = replace(
        state,
        accounts=accounts,
        listings=state.listings + 1,
        watermark_at=state.watermark_at if listing.truncated else listing.began_at,
        last_listing_monotonic=now,
        last_listing_at=listing.ended_at,
        listing_truncated=_some_may_be_missing(state, listing),
        seen_project_id=next((job.project_id for job in listing.jobs), state.seen_project_id),
    )
    return ended, ()


def _some_may_be_missing(state: ProjectState, listing: Listing) -> bool:
    """Tell whether the page limit hides jobs: a listing that stops at old news cannot clear it."""
    if listing.truncated or listing.reached_end:
        return listing.truncated
    return bool(state.listing_truncated)
