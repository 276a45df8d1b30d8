"""What the answers about single jobs tell, and what scrapes showed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import FAILED_ITEMS_KEPT, ItemStatus, JobStatus
from exporter.tracker.accounts import Book
from exporter.tracker.due import FINAL_COUNTS
from exporter.tracker.listing import reopened
from exporter.tracker.records import newest, with_record
from exporter.tracker.state import ItemsFailed, MoreItemsFailed

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, ItemsCounted, Job, JobNotFound, JobRefreshed
    from exporter.tracker.state import Ending, Event, ProjectState, TrackedJob, TrackerRules


def attempted(state: ProjectState, job_id: str, now: float) -> ProjectState:
    """Take note that the refreshing of an ended job begins at the monotonic moment ``now``."""
    tracked = state.jobs.get(job_id)
    if tracked is None or tracked.ending is None:
        return state
    if tracked.ending.first_attempt_monotonic is not None:
        return state
    updated = replace(tracked, ending=replace(tracked.ending, first_attempt_monotonic=now))
    return replace(state, jobs={**state.jobs, job_id: updated})


def refreshed(
    state: ProjectState, answer: JobRefreshed, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    """Take in the answer about one job's status."""
    tracked = state.jobs.get(answer.job.id)
    if tracked is None:
        return state, ()
    seen_at = answer.answered_at
    updated, events = with_record(
        tracked, answer.job, asked_monotonic=answer.asked_monotonic, seen_at=seen_at, now=now
    )
    updated = _with_progress(replace(updated, not_found_in=None), answer)
    return _entered(state, updated), events


def is_listed(state: ProjectState, job_id: str) -> bool:
    """Tell whether the last listing showed a job."""
    tracked = state.jobs.get(job_id)
    return tracked is not None and tracked.last_listed == state.listings


def not_found(
    state: ProjectState, answer: JobNotFound, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    """Take in that LlamaCloud does not know a job.

    An active job that the listing does not show either is gone once this was said after two
    different listings; an ended one has no more to tell.
    """
    tracked = state.jobs.get(answer.job_id)
    if tracked is None or is_listed(state, answer.job_id):
        return state, ()
    if tracked.ending is not None:
        ending = replace(tracked.ending, status_known=True, items_known=True)
        return _entered(state, replace(tracked, ending=ending)), ()
    if tracked.not_found_in is None or tracked.not_found_in == state.listings:
        return _entered(state, replace(tracked, not_found_in=state.listings)), ()
    updated, events = with_record(
        tracked,
        replace(tracked.job, status=JobStatus.GONE),
        asked_monotonic=tracked.record_asked_monotonic,
        seen_at=answer.answered_at,
        now=now,
    )
    if updated.ending is not None:
        ending = replace(updated.ending, status_known=True, items_known=True)
        updated = replace(updated, ending=ending)
    return _entered(state, updated), events


def counted(state: ProjectState, answer: ItemsCounted) -> tuple[ProjectState, tuple[Event, ...]]:
    """Take in one count of a job's items."""
    tracked = state.jobs.get(answer.job_id)
    if tracked is None:
        return state, ()
    updated, events = _with_failures_reported(tracked, answer.counts)
    updated = _with_counts(updated, answer)
    return settled(_entered(state, updated), updated), events


def uncountable(state: ProjectState, job_id: str) -> ProjectState:
    """Take in that a job has too many items to count, and withdraw its counts: they fall short."""
    tracked = state.jobs.get(job_id)
    if tracked is None:
        return state
    ending = tracked.ending and replace(tracked.ending, items_known=True)
    updated = replace(
        tracked,
        counts=None,
        counted_total=tracked.job.total_items,
        items_last_counted_at=None,
        ending=ending,
    )
    return _entered(state, updated)


def scraped(state: ProjectState, generation: int, rules: TrackerRules) -> ProjectState:
    """Take in that a complete scrape showed the view of this generation."""
    latest = sorted((*state.scraped_generations, generation), reverse=True)
    return replace(state, scraped_generations=tuple(latest[: rules.min_scrapes]))


def _with_progress(tracked: TrackedJob, answer: JobRefreshed) -> TrackedJob:
    if answer.asked_monotonic < (tracked.status_asked_monotonic or float("-inf")):
        return tracked
    before, after = tracked.progress_ratio, answer.progress_ratio
    moved = before is not None and after is not None and before != after
    progress_times = (tracked.last_progress_at, answer.answered_at if moved else None)
    ending = tracked.ending
    if ending is not None and answer.asked_monotonic >= ending.asked_monotonic:
        shown = ending.shown_since_generation if before == after else None
        ending = replace(ending, status_known=True, shown_since_generation=shown)
    return replace(
        tracked,
        progress_ratio=after,
        status_asked_monotonic=answer.asked_monotonic,
        last_refreshed_at=answer.answered_at,
        last_progress_at=newest(progress_times, not_after=answer.answered_at),
        ending=ending,
    )


def _with_counts(tracked: TrackedJob, answer: ItemsCounted) -> TrackedJob:
    before, counts = tracked.counts, answer.counts
    moved = before is not None and dict(before.by_status) != dict(counts.by_status)
    times = (tracked.last_progress_at, counts.newest_at, answer.answered_at if moved else None)
    return replace(
        tracked,
        counts=replace(counts, failed=()),
        counted_total=tracked.job.total_items,
        items_last_counted_at=answer.answered_at,
        last_progress_at=newest(times, not_after=answer.answered_at),
        ending=_with_final_count(tracked, answer),
    )


def _with_final_count(tracked: TrackedJob, answer: ItemsCounted) -> Ending | None:
    ending = tracked.ending
    if ending is None or answer.asked_monotonic < ending.asked_monotonic:
        return ending
    times_counted = ending.times_counted + 1
    known = (
        answer.counts.settled or ending.ended_before_first_sight or times_counted >= FINAL_COUNTS
    )
    return replace(
        ending, times_counted=times_counted, items_known=known, shown_since_generation=None
    )


def _with_failures_reported(
    tracked: TrackedJob, counts: ItemCounts
) -> tuple[TrackedJob, tuple[Event, ...]]:
    reported = tracked.reported_failures
    room = FAILED_ITEMS_KEPT - len(reported)
    fresh = tuple(item for item in counts.failed if item.item_id not in reported)[:room]
    reported |= {item.item_id for item in fresh}
    events: list[Event] = [ItemsFailed(tracked.job, fresh)] if fresh else []
    not_reported = counts.by_status.get(ItemStatus.FAILED, 0) - len(reported)
    say_more = not tracked.more_failures_reported and not_reported > 0 and len(fresh) == room
    if say_more:
        events.append(MoreItemsFailed(tracked.job, not_reported))
    updated = replace(
        tracked,
        reported_failures=reported,
        more_failures_reported=tracked.more_failures_reported or say_more,
    )
    return updated, tuple(events)


def _entered(state: ProjectState, tracked: TrackedJob) -> ProjectState:
    """Put a job back, and enter in the counters what it newly shows."""
    job: Job = tracked.job
    book = Book(state.counters)
    account = book.enter(reopened(state.accounts[job.id], job), job, tracked.counts)
    return replace(
        state,
        jobs={**state.jobs, job.id: tracked},
        accounts={**state.accounts, job.id: account},
        counters=book.counters(),
    )


def settled(state: ProjectState, tracked: TrackedJob) -> ProjectState:
    """Enter the durations of an ended job's items once its last count is in, and only once."""
    if tracked.ending is None or not tracked.ending.items_known or tracked.counts is None:
        return state
    book = Book(state.counters)
    account = book.enter_item_durations(state.accounts[tracked.job.id], tracked.job, tracked.counts)
    accounts = {**state.accounts, tracked.job.id: account}
    return replace(state, accounts=accounts, counters=book.counters())
