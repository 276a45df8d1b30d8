"""Requests to LlamaCloud and their answers, for all generations of its API.

``asked_monotonic`` is the time at which the first request for an answer was sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from exporter.domain.job import ItemCounts, latest
from exporter.domain.vocabulary import ENDED_ITEM_STATUSES, ItemStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain.failures import Failure
    from exporter.domain.job import Job


@dataclass(frozen=True, slots=True)
class ListingPlan:
    """Which jobs to list, and how far back.

    ``max_requests`` limits the requests for each combination of filters. v1beta may leave out jobs
    that ended before ``news_since``, a Unix time. v2 lists jobs created since ``created_since``, a
    Unix time, or within the last ``created_within`` seconds. If ``is_full``, it also lists active
    jobs of any age.
    """

    max_requests: int
    directory_ids: Sequence[str] = ()
    job_types: Sequence[str] = ()
    news_since: float | None = None
    created_since: float | None = None
    created_within: float | None = None
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The jobs that one successful listing showed, each once.

    ``truncated`` is true if ``max_requests`` hid jobs. ``reached_end`` is false if older jobs were
    left out, as the plan allowed. ``rows_left_out`` counts rows that could not be read, or that do
    not match the filters.
    """

    jobs: tuple[Job, ...]
    asked_monotonic: float
    began_at: float
    ended_at: float
    truncated: bool = False
    reached_end: bool = True
    rows_left_out: int = 0


@dataclass(frozen=True, slots=True)
class JobRefreshed:
    """The status of one job; ``progress_ratio`` runs from 0 to 1."""

    job: Job
    progress_ratio: float | None
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class JobNotFound:
    """LlamaCloud itself, not a gateway, answered 404 for the job.

    ``failure`` describes this as an error, for the case that LlamaCloud still lists the job.
    """

    job_id: str
    asked_monotonic: float
    answered_at: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class CountLimits:
    """The limits of one count.

    ``max_requests`` limits each sweep over a job's items; a count makes three at most. Items of v2
    whose end cannot be found are given up once their job has not changed for
    ``give_up_after_seconds``.
    """

    max_requests: int
    give_up_after_seconds: float = 900.0


class EndedItem(NamedTuple):
    """How one item ended; unknown values are ``None``.

    ``failure_reason`` is one of ``FAILURE_REASONS``, for a failed item. ``was_seen_active`` is true
    if the exporter saw the item before its end.
    """

    status: ItemStatus
    failure_reason: str | None = None
    ended_at: float | None = None
    was_seen_active: bool = False

    def ended_after(self, moment: float, *, otherwise: bool) -> bool:
        """Return whether it ended at ``moment`` or later, ``otherwise`` if that is not known."""
        if self.was_seen_active:
            return True
        return otherwise if self.ended_at is None else self.ended_at >= moment


@dataclass(frozen=True, slots=True)
class ItemsCounted:
    """The counts of a job's items: of all items, or of those in some statuses.

    The other fields are of v2, where the items also decide whether their job has ended. ``ended``
    holds each item that has ended, also where its end is not known. ``is_over`` is true if the job
    has ended with them. ``ended_at`` is the Unix time of the latest end, if one is known.
    """

    job_id: str
    counts: ItemCounts
    asked_monotonic: float
    answered_at: float
    is_over: bool = False
    ended_at: float | None = None
    ended: tuple[EndedItem, ...] = ()

    def counts_after(self, moment: float, *, was_mapped: bool) -> ItemCounts:
        """Count the items that ended at ``moment`` or later, by status and failure reason.

        ``moment`` is a Unix time. Items without a known end count as well, unless the job
        ``was_mapped`` at ``moment``; those that were seen active always do.
        """
        after = [item for item in self.ended if item.ended_after(moment, otherwise=not was_mapped)]
        by_status = Counter(item.status for item in after)
        reasons = Counter(item.failure_reason for item in after if item.failure_reason is not None)
        return ItemCounts(
            by_status={status: by_status[status] for status in ENDED_ITEM_STATUSES},
            failure_reasons=dict(reasons),
            newest_at=latest(*(item.ended_at for item in after)),
        )


@dataclass(frozen=True, slots=True)
class NothingToCount:
    """LlamaCloud returns no items of the job; ``is_over`` if it is not expected to."""

    job_id: str
    asked_monotonic: float
    is_over: bool = False


class UncountedReason(StrEnum):
    """Why the items of a job cannot be counted exactly."""

    TOO_MANY_ITEMS = "too_many_items"
    DOES_NOT_ADD_UP = "does_not_add_up"
    NO_RESULTS = "no_results"
    UNREADABLE_ITEMS = "unreadable_items"


@dataclass(frozen=True, slots=True)
class NotCounted:
    """The items of the job cannot be counted exactly now.

    ``is_over`` if they never will be, and the job counts as ended (v2).
    """

    job_id: str
    asked_monotonic: float
    reason: UncountedReason = UncountedReason.TOO_MANY_ITEMS
    is_over: bool = False
