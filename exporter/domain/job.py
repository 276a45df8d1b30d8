"""One job and its items, as LlamaCloud describes them."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the state file is read by these types
from dataclasses import dataclass, field
from typing import TypeAlias

from exporter.domain.histogram import ITEM_DURATION_BUCKETS, Histogram
from exporter.domain.vocabulary import (
    ENDED_ITEM_STATUSES,
    ItemStatus,
    JobStatus,
    JobType,
    is_active,
)

# What a generation of the API keeps with a job between its answers; it is opaque to all others.
Memory: TypeAlias = object


@dataclass(frozen=True, slots=True)
class Job:
    """One job as LlamaCloud describes it; ``None`` is what it did not say.

    ``api_version`` is the generation of the API that described it. ``is_mapped`` is true for a job
    of v2 that LlamaCloud calls completed: every file of it has a job of its own by then, or an
    error, and nothing is said of how those jobs fare. Its status is ``dispatched``. A job is
    ``told_by_items`` if nothing but a count of its items tells their numbers, its progress and its
    end.
    """

    id: str
    job_type: JobType
    status: JobStatus
    project_id: str | None = None
    total_items: int | None = None
    processed_items: int | None = None
    failed_items: int | None = None
    skipped_items: int | None = None
    directory_id: str | None = None
    created_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    updated_at: float | None = None
    error_message: str | None = None
    api_version: str = "v1beta"
    configuration_id: str | None = None
    is_mapped: bool = False
    told_by_items: bool = False

    @property
    def active(self) -> bool:
        """Whether the job may still change by itself: nothing else decides whether it has ended."""
        return is_active(self.status, self.completed_at)

    @property
    def ended_at(self) -> float | None:
        """When an ended job ended, as well as LlamaCloud says."""
        return self.completed_at if self.completed_at is not None else self.updated_at

    @property
    def queue_seconds(self) -> float | None:
        """How long the job waited to be started, if it was."""
        return _seconds_between(self.created_at, self.started_at)

    @property
    def run_seconds(self) -> float | None:
        """How long the job ran, if it has ended."""
        return _seconds_between(self.started_at, self.completed_at)

    @property
    def turnaround_seconds(self) -> float | None:
        """How long whoever created the job waited for its end, if it has ended."""
        return _seconds_between(self.created_at, self.completed_at)


def latest(*times: float | None) -> float | None:
    """Return the latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)


def _seconds_between(begin: float | None, end: float | None) -> float | None:
    # Clocks of several servers may disagree by a little; no wait is negative.
    return None if begin is None or end is None else max(end - begin, 0.0)


_ALL_ITEM_STATUSES = frozenset(ItemStatus)


@dataclass(frozen=True, slots=True)
class FailedItem:
    """What a person needs to find a failed item; texts are as LlamaCloud sent them.

    ``reason`` is the one of ``FAILURE_REASONS`` that it is counted by.
    """

    item_id: str
    item_name: str | None
    error_message: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The items of one job, counted; items themselves are not kept.

    A status that ``by_status`` lacks was not counted. ``skip_reasons`` are the known ones and
    ``other``, none where the skipped items were not counted; ``failed`` holds the first
    ``FAILED_ITEMS_KEPT`` failed items; ``newest_at`` is the latest time at which an item started or
    completed. ``failure_reasons`` are those of ``FAILURE_REASONS`` that occur, none where the
    failed items were not counted.
    """

    by_status: Mapping[ItemStatus, int]
    skip_reasons: Mapping[str, int] = field(default_factory=dict)
    durations: Histogram = field(default_factory=lambda: Histogram.empty(ITEM_DURATION_BUCKETS))
    newest_at: float | None = None
    failed: tuple[FailedItem, ...] = ()
    failure_reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the items of every status were counted."""
        return self.by_status.keys() >= _ALL_ITEM_STATUSES

    @property
    def total(self) -> int:
        """Items of every status that was counted."""
        return sum(self.by_status.values())

    @property
    def settled(self) -> bool:
        """Whether every item that was counted is in an end state."""
        return self.total == sum(self.by_status.get(status, 0) for status in ENDED_ITEM_STATUSES)


FAILED_ITEMS_KEPT = 20
