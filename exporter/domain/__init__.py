"""What the exporter knows of batch jobs: frozen values, no I/O.

Times are Unix seconds by LlamaCloud's clock where a name ends in ``_at``, and seconds of this
machine's monotonic clock where it ends in ``_monotonic``.
"""

from exporter.domain.answers import (
    CountLimits,
    EndedItem,
    ItemsCounted,
    JobNotFound,
    JobRefreshed,
    Listing,
    ListingPlan,
    NotCounted,
    NothingToCount,
    UncountedReason,
)
from exporter.domain.failures import ErrorReason, Failure
from exporter.domain.histogram import (
    ITEM_DURATION_BUCKETS,
    QUEUE_DURATION_BUCKETS,
    RUN_DURATION_BUCKETS,
    Histogram,
)
from exporter.domain.job import FAILED_ITEMS_KEPT, FailedItem, ItemCounts, Job, Memory, latest
from exporter.domain.status import ProjectStatus, StatusChange
from exporter.domain.views import (
    ApiStatus,
    Counters,
    JobView,
    ProjectGauges,
    ProjectView,
)
from exporter.domain.vocabulary import (
    ACTIVE_STATUSES,
    ENDED_ITEM_STATUSES,
    FAILURE_CODES,
    FAILURE_REASONS,
    FINISHED_STATUSES,
    KNOWN_JOB_TYPES,
    KNOWN_SKIP_REASONS,
    NO_FAILURE_REASON,
    NOT_MAPPED_FAILURE_REASON,
    OTHER_FAILURE_REASON,
    OTHER_SKIP_REASON,
    ApiVersion,
    ItemStatus,
    JobStatus,
    JobType,
    is_active,
)

__all__ = [
    "ACTIVE_STATUSES",
    "ENDED_ITEM_STATUSES",
    "FAILED_ITEMS_KEPT",
    "FAILURE_CODES",
    "FAILURE_REASONS",
    "FINISHED_STATUSES",
    "ITEM_DURATION_BUCKETS",
    "KNOWN_JOB_TYPES",
    "KNOWN_SKIP_REASONS",
    "NOT_MAPPED_FAILURE_REASON",
    "NO_FAILURE_REASON",
    "OTHER_FAILURE_REASON",
    "OTHER_SKIP_REASON",
    "QUEUE_DURATION_BUCKETS",
    "RUN_DURATION_BUCKETS",
    "ApiStatus",
    "ApiVersion",
    "CountLimits",
    "Counters",
    "EndedItem",
    "ErrorReason",
    "FailedItem",
    "Failure",
    "Histogram",
    "ItemCounts",
    "ItemStatus",
    "ItemsCounted",
    "Job",
    "JobNotFound",
    "JobRefreshed",
    "JobStatus",
    "JobType",
    "JobView",
    "Listing",
    "ListingPlan",
    "Memory",
    "NotCounted",
    "NothingToCount",
    "ProjectGauges",
    "ProjectStatus",
    "ProjectView",
    "StatusChange",
    "UncountedReason",
    "is_active",
    "latest",
]
