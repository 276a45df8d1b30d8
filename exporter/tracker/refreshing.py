"""What the answers about single jobs tell, and what scrapes showed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import FAILED_ITEMS_KEPT, ItemStatus, JobStatus, latest
from exporter.tracker.entering import entered
from exporter.tracker.records import believable, with_record
from exporter.tracker.state import ItemsFailed, MoreItemsFailed

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, ItemsCounted, JobNotFound, JobRefreshed
    from exporter.tracker.state import Event, ProjectState, TrackedJob, TrackerRules


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
    return entered(state, updated), events


def is_listed(state: ProjectState, job_id: str) -> bool:
    """Tell whether the last listing showed a job, or one that is being taken in."""
    tracked = state.jobs.get(job_id)
    return tracked is not None and tracked.last_listed >= state.listings


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
        return entered(state, _with_nothing_to_ask(tracked)), ()
    if tracked.not_found_in is None or tracked.not_found_in == state.listings:
        return entered(state, replace(tracked, not_found_in=state.listings)), ()
    gone, events = with_record(
        tracked,
        replace(tracked.job, status=JobStatus.GONE),
        asked_monotonic=tracked.record_asked_monotonic,
        seen_at=answer.answered_at,
        now=now,
    )
    return entered(state, _with_nothing_to_ask(gone)), events


def counted(
    state: ProjectState, answer: ItemsCounted, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    """Take in one count of a job's items; a job's counts come in the order of their questions."""
    tracked = state.jobs.get(answer.job_id)
    if tracked is None:
        return state, ()
    updated, events = _with_failures_reported(tracked, answer.counts)
    return entered(state, _with_counts(updated, answer, now)), events


def uncountable(state: ProjectState, job_id: str, asked_monotonic: float) -> ProjectState:
    """Take in that a job has too many items to count, and withdraw its counts: they fall short.

    Said of a job that has ended since ``asked_monotonic`` it means nothing: it may be swept
    further.
    """
    tracked = state.jobs.get(job_id)
    if tracked is None:
        return state
    ending = tracked.ending
    if ending is not None and asked_monotonic < ending.asked_monotonic:
        return state
    updated = replace(
        tracked,
        counts=None,
        counted_total=tracked.job.total_items,
        items_last_counted_at=None,
        items_asked_monotonic=asked_monotonic,
        ending=ending and replace(ending.changed(), items_known=True),
    )
    return entered(state, updated)


def scraped(state: ProjectState, generation: int, rules: TrackerRules) -> ProjectState:
    """Take in that a complete scrape showed the view of this generation."""
    newest = sorted((*state.scraped_generations, generation), reverse=True)
    return replace(state, scraped_generations=tuple(newest[: rules.min_scrapes]))


def _with_nothing_to_ask(tracked: TrackedJob) -> TrackedJob:
    return replace(tracked, ending=tracked.ending and tracked.ending.with_nothing_to_ask())


def _with_progress(tracked: TrackedJob, answer: JobRefreshed) -> TrackedJob:
    asked = tracked.status_asked_monotonic
    if asked is not None and answer.asked_monotonic < asked:
        return tracked
    before, after = tracked.progress_ratio, answer.progress_ratio
    moved = before is not None and after is not None and before != after
    ending = tracked.ending
    if ending is not None:
        ending = ending.status_answered(answer.asked_monotonic)
        ending = ending if before == after else ending.changed()
    return replace(
        tracked,
        progress_ratio=after,
        status_asked_monotonic=answer.asked_monotonic,
        last_refreshed_at=answer.answered_at,
        last_progress_at=latest(tracked.last_progress_at, answer.answered_at if moved else None),
        changed_asked_monotonic=(
            answer.asked_monotonic if moved else tracked.changed_asked_monotonic
        ),
        ending=ending,
    )


def _with_counts(tracked: TrackedJob, answer: ItemsCounted, now: float) -> TrackedJob:
    before, counts = tracked.counts, answer.counts
    moved = before is not None and dict(before.by_status) != dict(counts.by_status)
    ending = tracked.ending
    if ending is not None:
        all_there = counts.total >= (tracked.job.total_items or 0) or not counts.whole
        settled = counts.settled and all_there
        ending = ending.counted(answer.asked_monotonic, now, settled=settled)
    return replace(
        tracked,
        counts=replace(counts, failed=()),
        counted_total=tracked.job.total_items,
        items_last_counted_at=answer.answered_at,
        items_asked_monotonic=answer.asked_monotonic,
        changed_asked_monotonic=(
            answer.asked_monotonic if moved else tracked.changed_asked_monotonic
        ),
        last_progress_at=latest(
            tracked.last_progress_at,
            believable(counts.newest_at, answer.answered_at),
            answer.answered_at if moved else None,
        ),
        ending=ending,
    )


def _with_failures_reported(
    tracked: TrackedJob, counts: ItemCounts
) -> tuple[TrackedJob, tuple[Event, ...]]:
    before = tracked.reported_failures
    room = FAILED_ITEMS_KEPT - len(before)
    fresh = tuple(item for item in counts.failed if item.item_id not in before)[:room]
    reported = before | {item.item_id for item in fresh}
    told = sum(item.item_id in reported for item in counts.failed)
    not_told = counts.by_status.get(ItemStatus.FAILED, 0) - told
    events: list[Event] = [ItemsFailed(tracked.job, fresh)] if fresh else []
    tell_number = not_told > 0 and not tracked.more_failures_reported
    if tell_number:
        events.append(MoreItemsFailed(tracked.job, not_told))
    updated = replace(
        tracked,
        reported_failures=reported,
        more_failures_reported=tracked.more_failures_reported or tell_number,
    )
    return updated, tuple(events)
