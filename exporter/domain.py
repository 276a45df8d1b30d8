"""What the exporter knows of batch jobs: frozen values, no I/O.

Times are Unix seconds by LlamaCloud's clock where a name ends in ``_at``, and seconds of this
machine's monotonic clock where it ends in ``_monotonic``.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobType(StrEnum):
    """What a job does to its items; ``unknown`` stands for types newer than this exporter."""

    PARSE = "parse"
    EXTRACT = "extract"
    CLASSIFY = "classify"
    UNKNOWN = "unknown"


class JobStatus(StrEnum):
    """LlamaCloud's own statuses, ``unknown`` for newer ones, ``gone`` for a job it forgot."""

    PENDING = "pending"
    RUNNING = "running"
    DISPATCHED = "dispatched"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    GONE = "gone"


class ItemStatus(StrEnum):
    """An item's status; ``unknown`` stands for statuses newer than this exporter."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


KNOWN_JOB_TYPES = (JobType.PARSE, JobType.EXTRACT, JobType.CLASSIFY)
ACTIVE_STATUSES = (
    JobStatus.PENDING,
    JobStatus.RUNNING,
    JobStatus.DISPATCHED,
    JobStatus.UNKNOWN,
)
ENDED_STATUSES = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.GONE)
ENDED_ITEM_STATUSES = (
    ItemStatus.COMPLETED,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)
KNOWN_SKIP_REASONS = ("already_processed", "size_limit_exceeded")
OTHER_SKIP_REASON = "other"

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
QUEUE_DURATION_BUCKETS = (
    *(1.0, 5.0, 15.0),
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 12 * _HOUR, _DAY),
)
RUN_DURATION_BUCKETS = (
    *(10.0, 30.0),
    *(_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY),
)
ITEM_DURATION_BUCKETS = (
    *(1.0, 2.5, 5.0, 10.0, 30.0),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR),
)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations sorted into buckets; ``counts`` are not cumulative, the last is +Inf's."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float = 0.0

    @classmethod
    def empty(cls, bounds: tuple[float, ...]) -> Histogram:
        """Start a histogram with the upper ``bounds``, ascending and without +Inf."""
        return cls(bounds, (0,) * (len(bounds) + 1))

    def observe(self, value: float) -> Histogram:
        """Return this histogram with one more observation."""
        index = bisect_left(self.bounds, value)
        counts = (*self.counts[:index], self.counts[index] + 1, *self.counts[index + 1 :])
        return replace(self, counts=counts, sum=self.sum + value)

    def merge(self, other: Histogram) -> Histogram:
        """Return the observations of both; their bounds must be the same."""
        counts = tuple(mine + its for mine, its in zip(self.counts, other.counts, strict=True))
        return replace(self, counts=counts, sum=self.sum + other.sum)


@dataclass(frozen=True, slots=True)
class Job:
    """One job as LlamaCloud describes it; ``None`` is what it did not say."""

    id: str
    job_type: JobType
    status: JobStatus
    project_id: str
    total_items: int
    processed_items: int | None = None
    failed_items: int | None = None
    skipped_items: int | None = None
    directory_id: str | None = None
    created_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    updated_at: float | None = None
    error_message: str | None = None

    @property
    def active(self) -> bool:
        """Whether the job may still change by itself."""
        return self.status in ACTIVE_STATUSES

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


def _seconds_between(begin: float | None, end: float | None) -> float | None:
    # Clocks of several servers may disagree by a little; no wait is negative.
    return None if begin is None or end is None else max(end - begin, 0.0)


@dataclass(frozen=True, slots=True)
class FailedItem:
    """What a person needs to find a failed item; texts are as LlamaCloud sent them."""

    item_id: str
    item_name: str
    error_message: str | None


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The items of one job, counted; items themselves are not kept.

    A status that ``by_status`` lacks was not counted. ``skip_reasons`` are the known ones and
    ``other``; ``failed`` holds the first ``FAILED_ITEMS_KEPT`` failed items; ``newest_at`` is the
    latest time at which an item started or completed.
    """

    by_status: Mapping[ItemStatus, int]
    skip_reasons: Mapping[str, int] = field(default_factory=dict)
    durations: Histogram = field(default_factory=lambda: Histogram.empty(ITEM_DURATION_BUCKETS))
    newest_at: float | None = None
    failed: tuple[FailedItem, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the items of every status were counted."""
        return all(status in self.by_status for status in ItemStatus)

    @property
    def total(self) -> int:
        """Items of every status that was counted."""
        return sum(self.by_status.values())

    @property
    def settled(self) -> bool:
        """Whether every item that was counted is in an end state."""
        return self.total == sum(self.by_status.get(status, 0) for status in ENDED_ITEM_STATUSES)


FAILED_ITEMS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Listing:
    """All jobs that one complete listing showed, each once.

    ``reached_end`` is false where paging stopped early because the rest was old news.
    """

    jobs: tuple[Job, ...]
    asked_monotonic: float
    began_at: float
    ended_at: float
    truncated: bool = False
    reached_end: bool = True


@dataclass(frozen=True, slots=True)
class JobRefreshed:
    """The answer to a question for one job's status; ``progress_ratio`` runs from 0 to 1."""

    job: Job
    progress_ratio: float | None
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class JobNotFound:
    """LlamaCloud itself, not a gateway, said that it does not know the job."""

    job_id: str
    answered_at: float


@dataclass(frozen=True, slots=True)
class ItemsCounted:
    """One job's items were counted, all of them."""

    job_id: str
    counts: ItemCounts
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Counters:
    """What has happened in a project since the baseline; nothing in it ever falls.

    A key that is absent is a series that is absent.
    """

    jobs_finished: Mapping[tuple[JobType, JobStatus], int]
    items_finished: Mapping[tuple[JobType, ItemStatus], int]
    items_skipped: Mapping[tuple[JobType, str], int]
    queue_duration: Mapping[JobType, Histogram]
    run_duration: Mapping[tuple[JobType, JobStatus], Histogram]
    item_duration: Mapping[JobType, Histogram]


@dataclass(frozen=True, slots=True)
class JobView:
    """What is published of one job; ``None`` is a series that is absent."""

    job_id: str
    job_type: JobType
    directory_id: str
    status: JobStatus
    total_items: int
    progress_ratio: float | None = None
    processed_items: int | None = None
    failed_items: int | None = None
    skipped_items: int | None = None
    items: Mapping[ItemStatus, int] | None = None
    created_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    last_progress_at: float | None = None
    last_refreshed_at: float | None = None
    items_last_counted_at: float | None = None


@dataclass(frozen=True, slots=True)
class ProjectGauges:
    """A project's totals over its jobs, those hidden by the cap included."""

    project_id: str
    organization_id: str
    api_version: str
    active_jobs: Mapping[tuple[JobType, JobStatus], int]
    failing_jobs: Mapping[JobType, int]
    active_items: Mapping[ItemStatus, int] | None


@dataclass(frozen=True, slots=True)
class ProjectView:
    """All that is published of one project, at one moment.

    ``gauges`` is ``None`` before the first listing and while the project is stale. ``generation``
    rises with every view of a project.
    """

    project: str
    generation: int
    counters: Counters
    gauges: ProjectGauges | None = None
    jobs: tuple[JobView, ...] = ()
    tracked_jobs: int = 0
    hidden_jobs: int = 0
    uncounted_jobs: int | None = None
    listing_truncated: bool | None = None
    last_listing_at: float | None = None
