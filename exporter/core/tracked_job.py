"""One job: its newest record, and what a newer answer changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.core.batches import with_counted_facts
from exporter.core.contradictions import (
    NO_ANSWERS,
    Answers,
    is_same,
    with_facts_of,
    with_greater_failures,
    with_steady_times,
)
from exporter.core.events import JobChangedStatus, JobEnded, JobRecordsContradict
from exporter.core.final_state import FinalState, has_ended_again, with_end
from exporter.domain import ItemCounts, ItemStatus, Job, JobStatus, Memory

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.final_state import End
    from exporter.domain import JobRefreshed


@dataclass(frozen=True, slots=True)
class TrackedJob:
    """One job: its newest record, and what else is known of it.

    ``final`` is ``None`` while the job is active. ``last_listed`` and ``not_found_in`` are numbers
    of listings. ``total_items_at_last_count`` is the job's ``total_items`` at the last attempt to
    count its items, which began at ``items_asked_monotonic``. ``times_not_added_up`` counts, in a
    row, how often the items did not add up. ``changed_asked_monotonic`` is the time of the request
    that first showed the current values. ``failed_monotonic`` is when the last refresh failed, if
    it did. ``memory`` belongs to the API generation that answered. ``nothing_to_count`` is true
    while LlamaCloud does not return the items. ``counts_to_add`` holds the counts that add to the
    counters, unless all of them do.
    """

    job: Job
    record_asked_monotonic: float
    last_listed: int
    progress_ratio: float | None = None
    status_asked_monotonic: float | None = None
    last_refreshed_at: float | None = None
    counts: ItemCounts | None = None
    counts_to_add: ItemCounts | None = None
    nothing_to_count: bool = False
    total_items_at_last_count: int | None = None
    items_last_counted_at: float | None = None
    items_asked_monotonic: float | None = None
    times_not_added_up: int = 0
    changed_asked_monotonic: float = float("-inf")
    answers: Answers = NO_ANSWERS
    contradiction_reported: bool = False
    failed_monotonic: float | None = None
    not_found_in: int | None = None
    reported_failures: frozenset[str] = frozenset()
    more_failures_reported: bool = False
    final: FinalState | None = None
    memory: Memory = None


def is_failing(tracked: TrackedJob) -> bool:
    """Return whether a job failed or has failed items."""
    counted = tracked.counts.by_status.get(ItemStatus.FAILED, 0) if tracked.counts else 0
    return is_failing_record(tracked.job) or counted > 0


def is_failing_record(job: Job) -> bool:
    """Return whether a job failed or reports failed items."""
    return job.status is JobStatus.FAILED or bool(job.failed_items)


def with_record(
    tracked: TrackedJob, job: Job, *, asked_monotonic: float, now: float, is_listed: bool
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a record from the list or the status endpoint, unless a newer one is known."""
    if asked_monotonic < tracked.record_asked_monotonic:
        return tracked, ()
    if job == tracked.job:
        job = tracked.job
    answers = tracked.answers.with_answer(job, is_listed=is_listed)
    # Either endpoint may leave out optional facts.
    other = answers.other_than(is_listed=is_listed)
    job = with_steady_times(with_facts_of(job, other), tracked.job)
    job = with_counted_facts(job, tracked.job)
    if answers.contradict:
        job = with_greater_failures(job, other)
    reports = answers.contradict and not tracked.contradiction_reported
    events: tuple[Event, ...] = (JobRecordsContradict(job.id),) if reports else ()
    answered = replace(
        tracked,
        answers=answers,
        contradiction_reported=tracked.contradiction_reported or reports,
        record_asked_monotonic=asked_monotonic,
    )
    if not answers.believes(job, tracked.job, is_listed=is_listed):
        job = with_greater_failures(tracked.job, job)
    if job == tracked.job:
        return answered, events
    updated, more = with_other_record(answered, job, now)
    return updated, events + more


def with_other_record(
    tracked: TrackedJob, job: Job, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a record that differs from the last one, and is used."""
    before, asked = tracked.job, tracked.record_asked_monotonic
    final = tracked.final
    # A job that ended once more was retried unseen, or was wrongly considered gone.
    ends = not job.active and (final is None or has_ended_again(final.ends_seen, job))
    events: tuple[Event, ...] = ()
    if job.active and job.status is not before.status:
        events = (JobChangedStatus(job, before.status),)
    elif ends:
        events = (JobEnded(job),)
    updated = replace(tracked, job=job)
    was_updated = job.told_by_items and job.updated_at != before.updated_at
    if was_updated or not is_same(job, before):
        updated = replace(updated, changed_asked_monotonic=asked)
    return _with_final_state(updated, before, now, ends=ends), events


def with_status(
    tracked: TrackedJob, answer: JobRefreshed, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a status answer: its record, and its progress unless newer progress is known."""
    asked = answer.asked_monotonic
    updated, events = with_record(
        tracked, answer.job, asked_monotonic=asked, now=now, is_listed=False
    )
    updated = replace(updated, not_found_in=None)
    if updated.status_asked_monotonic is not None and asked < updated.status_asked_monotonic:
        return updated, events
    before, after, final = updated.progress_ratio, answer.progress_ratio, updated.final
    if updated.job.told_by_items:
        after, final = before, final and final.recovered()
    elif final is not None:
        final = final.status_answered(asked)
    moved = before is not None and after is not None and before != after
    updated = replace(
        updated,
        progress_ratio=after,
        status_asked_monotonic=asked,
        last_refreshed_at=answer.answered_at,
        failed_monotonic=None,
        changed_asked_monotonic=asked if moved else updated.changed_asked_monotonic,
        final=final,
    )
    return updated, events


def with_failure(tracked: TrackedJob, now: float, interval: float) -> TrackedJob:
    """Apply a failed refresh."""
    final = tracked.final and tracked.final.refresh_failed(now, interval)
    return replace(tracked, failed_monotonic=now, final=final)


def _with_final_state(tracked: TrackedJob, before: Job, now: float, *, ends: bool) -> TrackedJob:
    known = tracked.final
    if tracked.job.active:
        return replace(tracked, final=None) if known is not None else tracked
    if ends:
        ends_before: frozenset[End] = frozenset() if known is None else known.ends_seen
        final = FinalState(
            ended_monotonic=now,
            asked_monotonic=tracked.record_asked_monotonic,
            ends_seen=with_end(ends_before, tracked.job),
        )
        if tracked.counts is None:
            # An ended job has larger limits than an active one: it is counted again.
            return replace(tracked, final=final, total_items_at_last_count=None)
        return replace(tracked, final=final)
    # A row of v2 has nothing that would need another count.
    is_other = not (tracked.job.told_by_items or is_same(tracked.job, before))
    if known is not None and is_other:
        return replace(tracked, final=known.record_changed(tracked.job))
    return tracked
