"""LlamaCloud's types, statuses and reasons, and the few that the exporter adds."""

from __future__ import annotations

from enum import StrEnum


class ApiVersion(StrEnum):
    """The generations of LlamaCloud's batch API that this exporter reads."""

    V1BETA = "v1beta"
    V2 = "v2"


class JobType(StrEnum):
    """What a job does to its items; ``unknown`` stands for types newer than this exporter."""

    PARSE = "parse"
    EXTRACT = "extract"
    CLASSIFY = "classify"
    UNKNOWN = "unknown"


class JobStatus(StrEnum):
    """LlamaCloud's own statuses, ``unknown`` for newer ones, ``gone`` for a job that it lost."""

    PENDING = "pending"
    THROTTLED = "throttled"
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
    JobStatus.THROTTLED,
    JobStatus.RUNNING,
    JobStatus.DISPATCHED,
    JobStatus.UNKNOWN,
)
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
# Codes in the messages of failed items, as LlamaCloud spells them. It documents the first eight;
# the others have been seen. If a message contains several, the first of this list counts.
FAILURE_CODES = (
    "UNSUPPORTED_FILE_TYPE",
    "PDF_IS_PROTECTED",
    "PDF_IS_BROKEN",
    "NO_DATA_FOUND_IN_FILE",
    "DOCUMENT_TOO_LARGE",
    "TOO_MANY_PAGES",
    "TIMEOUT",
    "EXPIRED",
    "ERROR_DURING_PROCESSING",
    "MARKDOWN_EXTRACTION_FAILED",
    "RECONSTRUCTION_ERROR",
    "parsing_error",
    "schema_validation",
    "inputs_invalid",
    "engine_error",
    "llm_refusal",
)
# LlamaCloud made no job for the file (v2 only), sent no message, or sent one without a code.
NOT_MAPPED_FAILURE_REASON = "not_mapped"
NO_FAILURE_REASON = "none"
OTHER_FAILURE_REASON = "other"
FAILURE_REASONS = (
    *(code.lower() for code in FAILURE_CODES),
    NOT_MAPPED_FAILURE_REASON,
    NO_FAILURE_REASON,
    OTHER_FAILURE_REASON,
)


def is_active(status: JobStatus, completed_at: float | None) -> bool:
    """Return whether a job may still change by itself.

    A job in an unknown status is active unless it has a completion time.
    """
    if status is JobStatus.UNKNOWN:
        return completed_at is None
    return status in ACTIVE_STATUSES
