"""The statuses and types of v2."""

from __future__ import annotations

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.llamacloud.known_values import Vocabulary
from exporter.llamacloud.requests import Endpoint

COMPLETED = "completed"

JOB_TYPES = Vocabulary(
    "job type", {"parse_v2": JobType.PARSE, "extract_v2": JobType.EXTRACT}, JobType.UNKNOWN
)
# LlamaCloud calls a batch completed once every file of it has a job, or an error: those jobs may
# run on. So it is dispatched until all of them have ended.
JOB_STATUSES = Vocabulary(
    "job status",
    {
        "pending": JobStatus.PENDING,
        "throttled": JobStatus.THROTTLED,
        "running": JobStatus.RUNNING,
        COMPLETED: JobStatus.DISPATCHED,
        "failed": JobStatus.FAILED,
        "cancelled": JobStatus.CANCELLED,
    },
    JobStatus.UNKNOWN,
)
ITEM_STATUSES = Vocabulary(
    "item status",
    {
        "pending": ItemStatus.PENDING,
        "throttled": ItemStatus.PENDING,
        "running": ItemStatus.PROCESSING,
        "completed": ItemStatus.COMPLETED,
        "failed": ItemStatus.FAILED,
        "cancelled": ItemStatus.CANCELLED,
    },
    ItemStatus.UNKNOWN,
)
# Where the file jobs of a type are listed; those of other types are listed nowhere.
FILE_JOB_LISTS: Vocabulary[Endpoint | None] = Vocabulary(
    "job reference type",
    {"parse_v2": Endpoint.LIST_PARSE_JOBS, "extract_v2": Endpoint.LIST_EXTRACT_JOBS},
    None,
)
