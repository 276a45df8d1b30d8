"""What a count changes of a job that nothing else tells: a batch of v2."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.events import JobEnded
from exporter.core.final_state import FinalState, with_date, with_end
from exporter.core.item_counts import with_failures_reported
from exporter.core.told_by_items import (
    ended,
    ends_as_unknown,
    progress_of,
    with_numbers,
    without_numbers,
)
from exporter.domain import ItemsCounted, NotCounted, NothingToCount

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.jobs import TrackedJob


def with_batch_answer(
    tracked: TrackedJob, answer: ItemsCounted | NothingToCount | NotCounted, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    """Apply a count of a batch, or that there is none; it ends with its last item."""
    events: tuple[Event, ...] = ()
    if isinstance(answer, ItemsCounted):
        tracked, events = _with_counts(tracked, answer)
    else:
        tracked = replace(
            tracked,
            # What was counted before it was gone, say, tells nothing of it now.
            job=without_numbers(tracked.job),
            progress_ratio=None,
            counts=None,
            counts_to_add=None,
            items_last_counted_at=None,
            nothing_to_count=isinstance(answer, NothingToCount),
        )
    tracked = replace(tracked, items_asked_monotonic=answer.asked_monotonic)
    still_seconds = now - tracked.changed_asked_monotonic
    is_done = tracked.job.is_mapped or not tracked.job.active
    if not (answer.is_final and is_done) and not ends_as_unknown(tracked.job, still_seconds):
        return tracked, events
    tracked, more = _with_end(tracked, answer, now)
    return tracked, events + more


def _with_counts(tracked: TrackedJob, answer: ItemsCounted) -> tuple[TrackedJob, tuple[Event, ...]]:
    tracked, events = with_failures_reported(tracked, answer.counts)
    before, counts, final = tracked.counts, answer.counts, tracked.final
    has_moved = before is not None and dict(before.by_status) != dict(counts.by_status)
    if final is not None and answer.asked_monotonic >= final.asked_monotonic:
        final = replace(final, times_counted=final.times_counted + 1)
    changed = answer.asked_monotonic if has_moved else tracked.changed_asked_monotonic
    counted = replace(
        tracked,
        job=with_numbers(tracked.job, answer),
        progress_ratio=progress_of(answer),
        counts=replace(counts, failed=()),
        nothing_to_count=False,
        items_last_counted_at=answer.answered_at,
        changed_asked_monotonic=changed,
        final=final,
    )
    return counted, events


def _with_end(
    tracked: TrackedJob, answer: ItemsCounted | NothingToCount | NotCounted, now: float
) -> tuple[TrackedJob, tuple[Event, ...]]:
    ended_at = answer.ended_at if isinstance(answer, ItemsCounted) else None
    job, final = ended(tracked.job, ended_at), tracked.final
    if job.active:
        # Nothing tells when a job in an unknown status ended, but it has.
        job = replace(job, completed_at=tracked.last_refreshed_at)
    if final is not None:
        final = replace(final, ends_seen=with_date(final.ends_seen, job))
        return replace(tracked, job=job, final=final.finalised()), ()
    final = FinalState(
        ended_monotonic=now,
        asked_monotonic=answer.asked_monotonic,
        ends_seen=with_end(frozenset(), job),
        times_counted=int(tracked.counts is not None),
    )
    return replace(tracked, job=job, final=final.finalised()), (JobEnded(job),)
