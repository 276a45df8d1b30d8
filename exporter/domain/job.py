"""One job and its items, as LlamaCloud describes them."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the state file is read by these types
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from exporter.domain.histogram import ITEM_DURATION_BUCKETS, Histogram
from exporter.domain.vocabulary import (
    ENDED_ITEM_STATUSES,
    ItemStatus,
    JobStatus,
    JobType,
    is_active,
)

# What an API generation keeps with a job between answers. It is opaque to all other code.
Memory: TypeAlias = object

# How ``core.contradictions`` treats fields that the list and the status endpoint both send.
COMPARED: Final = {"compared": True}
# One of the two may leave it out, and then the other's value is used.
OPTIONAL: Final = COMPARED | {"optional": True}
# The two may write a time with different precision.
TIME: Final = COMPARED | {"time": True}


@dataclass(frozen=True, slots=True)
class Job:
    """One job as LlamaCloud describes it; absent values are ``None``.

    ``api_version`` is the API generation that described it. A v2 job is ``is_mapped`` once
    LlamaCloud calls it completed: then each of its files has a job of its own or an error, but
    those jobs may still run, so its status is ``dispatched``. ``told_by_items`` is true for jobs of
    v2: only counting their items reveals their numbers, progress and end.
    """

    id: str
    job_type: JobType = field(metadata=COMPARED)
    status: JobStatus = field(metadata=COMPARED)
    project_id: str | None = None
    total_items: int | None = field(default=None, metadata=OPTIONAL)
    processed_items: int | None = field(default=None, metadata=OPTIONAL)
    failed_items: int | None = field(default=None, metadata=OPTIONAL)
    skipped_items: int | None = field(default=None, metadata=OPTIONAL)
    directory_id: str | None = field(default=None, metadata=OPTIONAL)
    created_at: float | None = field(default=None, metadata=TIME)
    started_at: float | None = field(default=None, metadata=TIME)
    completed_at: float | None = field(default=None, metadata=TIME)
    updated_at: float | None = None
    error_message: str | None = None
    api_version: str = "v1beta"
    configuration_id: str | None = None
    is_mapped: bool = False
    told_by_items: bool = False

    @property
    def active(self) -> bool:
        """Whether the job may still change by itself, which decides whether it has ended."""
        return is_active(self.status, self.completed_at)

    @property
    def is_done(self) -> bool:
        """Whether LlamaCloud is done with the job; file jobs of a batch may still run."""
        return self.is_mapped or not self.active

    @property
    def ended_at(self) -> float | None:
        """When an ended job ended: its completion time, or else its last update."""
        return self.completed_at if self.completed_at is not None else self.updated_at

    @property
    def queue_seconds(self) -> float | None:
        """The time from the creation of the job to its start, if it was started."""
        return _seconds_between(self.created_at, self.started_at)

    @property
    def run_seconds(self) -> float | None:
        """The time from the start of the job to its end, if it has ended."""
        return _seconds_between(self.started_at, self.completed_at)

    @property
    def turnaround_seconds(self) -> float | None:
        """The time from the creation of the job to its end, if it has ended."""
        return _seconds_between(self.created_at, self.completed_at)


def latest(*times: float | None) -> float | None:
    """Return the latest of the times that are known."""
    return max((time for time in times if time is not None), default=None)


def _seconds_between(begin: float | None, end: float | None) -> float | None:
    # Clocks of several servers may differ a little.
    return None if begin is None or end is None else max(end - begin, 0.0)


_ALL_ITEM_STATUSES = frozenset(ItemStatus)


@dataclass(frozen=True, slots=True)
class FailedItem:
    """A failed item, with texts as LlamaCloud sent them.

    ``reason`` is the one of ``FAILURE_REASONS`` by which it is counted.
    """

    item_id: str
    item_name: str | None
    error_message: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The counts of one job's items.

    A status that is missing in ``by_status`` was not counted. ``skip_reasons`` counts the skipped
    items by known reason or ``other``. ``failure_reasons`` counts the failed items by the reasons
    of ``FAILURE_REASONS`` that occur. Both are empty if their items were not counted. ``failed``
    holds the first ``FAILED_ITEMS_KEPT`` failed items. ``newest_at`` is the latest time at which an
    item started or completed.
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
