"""Batch jobs, and what is published of them: frozen values, no I/O.

Names that end in ``_at`` are Unix times of LlamaCloud's clock, names that end in ``_monotonic``
are seconds of this machine's monotonic clock.
"""

from exporter.domain.answers import CountLimits as CountLimits
from exporter.domain.answers import EndedItem as EndedItem
from exporter.domain.answers import ItemsCounted as ItemsCounted
from exporter.domain.answers import JobNotFound as JobNotFound
from exporter.domain.answers import JobRefreshed as JobRefreshed
from exporter.domain.answers import Listing as Listing
from exporter.domain.answers import ListingPlan as ListingPlan
from exporter.domain.answers import NotCounted as NotCounted
from exporter.domain.answers import NothingToCount as NothingToCount
from exporter.domain.answers import UncountedReason as UncountedReason
from exporter.domain.failures import ErrorReason as ErrorReason
from exporter.domain.failures import Failure as Failure
from exporter.domain.histogram import ITEM_DURATION_BUCKETS as ITEM_DURATION_BUCKETS
from exporter.domain.histogram import QUEUE_DURATION_BUCKETS as QUEUE_DURATION_BUCKETS
from exporter.domain.histogram import RUN_DURATION_BUCKETS as RUN_DURATION_BUCKETS
from exporter.domain.histogram import Histogram as Histogram
from exporter.domain.job import FAILED_ITEMS_KEPT as FAILED_ITEMS_KEPT
from exporter.domain.job import FailedItem as FailedItem
from exporter.domain.job import ItemCounts as ItemCounts
from exporter.domain.job import Job as Job
from exporter.domain.job import Memory as Memory
from exporter.domain.job import latest as latest
from exporter.domain.status import ProjectStatus as ProjectStatus
from exporter.domain.status import StatusChange as StatusChange
from exporter.domain.views import ApiStatus as ApiStatus
from exporter.domain.views import Counters as Counters
from exporter.domain.views import JobView as JobView
from exporter.domain.views import ProjectGauges as ProjectGauges
from exporter.domain.views import ProjectView as ProjectView
from exporter.domain.vocabulary import ACTIVE_STATUSES as ACTIVE_STATUSES
from exporter.domain.vocabulary import ENDED_ITEM_STATUSES as ENDED_ITEM_STATUSES
from exporter.domain.vocabulary import FAILURE_CODES as FAILURE_CODES
from exporter.domain.vocabulary import FAILURE_REASONS as FAILURE_REASONS
from exporter.domain.vocabulary import FINISHED_STATUSES as FINISHED_STATUSES
from exporter.domain.vocabulary import KNOWN_JOB_TYPES as KNOWN_JOB_TYPES
from exporter.domain.vocabulary import KNOWN_SKIP_REASONS as KNOWN_SKIP_REASONS
from exporter.domain.vocabulary import NO_FAILURE_REASON as NO_FAILURE_REASON
from exporter.domain.vocabulary import NOT_MAPPED_FAILURE_REASON as NOT_MAPPED_FAILURE_REASON
from exporter.domain.vocabulary import OTHER_FAILURE_REASON as OTHER_FAILURE_REASON
from exporter.domain.vocabulary import OTHER_SKIP_REASON as OTHER_SKIP_REASON
from exporter.domain.vocabulary import ApiVersion as ApiVersion
from exporter.domain.vocabulary import ItemStatus as ItemStatus
from exporter.domain.vocabulary import JobStatus as JobStatus
from exporter.domain.vocabulary import JobType as JobType
from exporter.domain.vocabulary import is_active as is_active
