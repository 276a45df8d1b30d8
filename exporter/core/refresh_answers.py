"""What an answer about one job changes, whatever was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.batch_answers import with_batch_answer
from exporter.core.item_counts import with_counts, with_nothing_counted
from exporter.core.jobs import with_not_found, with_status
from exporter.domain import ItemsCounted, JobNotFound, JobRefreshed, NotCounted, NothingToCount

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.jobs import TrackedJob
    from exporter.core.observations import Refreshed


def with_answer(
    before: TrackedJob, observation: Refreshed, listings: int, now: float, interval: float
) -> tuple[TrackedJob, tuple[Event, ...], float | None]:
    """Apply an answer; return also what happened, and the Unix time of an answer with news.

    ``listings`` is the number of the last listing.
    """
    answer, asked_of = observation.answer, observation.action.job
    tracked = replace(before, memory=observation.memory)
    events: tuple[Event, ...] = ()
    seen_at: float | None = None
    match answer:
        case JobRefreshed(answered_at=seen_at):
            tracked, events = with_status(tracked, answer, now)
        case JobNotFound() if answer.asked_monotonic >= before.record_asked_monotonic:
            seen_at = answer.answered_at
            tracked, events = with_not_found(tracked, answer, listings, now)
        case ItemsCounted() | NothingToCount() | NotCounted() if tracked.job.told_by_items:
            seen_at = answer.answered_at if isinstance(answer, ItemsCounted) else None
            tracked, events = with_batch_answer(tracked, answer, now)
        case ItemsCounted(answered_at=seen_at):
            tracked, events = with_counts(tracked, answer, asked_of, now, interval)
        case NotCounted():
            tracked = with_nothing_counted(tracked, answer, asked_of, now, interval)
    return tracked, events, seen_at
