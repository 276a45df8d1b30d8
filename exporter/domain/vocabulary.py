"""The words of LlamaCloud, and the few of ours beside them."""

from __future__ import annotations

from enum import StrEnum


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
ACTIVE_STATUSES = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.DISPATCHED, JobStatus.UNKNOWN)
# A job may also end in a status that this exporter does not know.
FINISHED_STATUSES = (
    JobStatus.COMPLETED,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
    JobStatus.GONE,
    JobStatus.UNKNOWN,
)
ENDED_ITEM_STATUSES = (
    ItemStatus.COMPLETED,
    ItemStatus.FAILED,
    ItemStatus.SKIPPED,
    ItemStatus.CANCELLED,
)
KNOWN_SKIP_REASONS = ("already_processed", "size_limit_exceeded")
OTHER_SKIP_REASON = "other"
