"""What is published of one project and its jobs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.domain.vocabulary import ItemStatus, JobStatus, JobType, is_active

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain.failures import Failure
    from exporter.domain.histogram import Histogram


_RUNNING = (JobStatus.RUNNING, JobStatus.DISPATCHED)


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a project since the baseline, by label values; they never decrease.

    A missing key means that there is no such series.
    """

    jobs_finished: Mapping[tuple[JobType, JobStatus], int]
    items_finished: Mapping[tuple[JobType, ItemStatus], int]
    items_failed: Mapping[str, int]
    items_skipped: Mapping[tuple[JobType, str], int]
    queue_duration: Mapping[JobType, Histogram]
    run_duration: Mapping[tuple[JobType, JobStatus], Histogram]
    turnaround_duration: Mapping[JobType, Histogram]
    item_duration: Mapping[JobType, Histogram]


@dataclass(frozen=True, slots=True)
class JobView:
    """What is published of one job; ``None`` means that there is no such series.

    Fields that ``Job`` has too are copied by name. ``item_failures`` counts the failed items by the
    reasons that occur.
    """

    job_id: str
    job_type: JobType
    directory_id: str
    status: JobStatus
    total_items: int | None = None
    progress_ratio: float | None = None
    processed_items: int | None = None
    failed_items: int | None = None
    skipped_items: int | None = None
    item_failures: Mapping[str, int] | None = None
    items: Mapping[ItemStatus, int] | None = None
    created_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    last_progress_at: float | None = None
    last_refreshed_at: float | None = None
    items_last_counted_at: float | None = None
    api_version: str = "v1beta"
    configuration_id: str = ""

    @property
    def active(self) -> bool:
        """Whether the job may still change by itself."""
        return is_active(self.status, self.completed_at)

    @property
    def failures(self) -> int | None:
        """The number of failed items, reported or counted, whichever is greater."""
        counted = None if self.items is None else self.items.get(ItemStatus.FAILED)
        known = [number for number in (self.failed_items, counted) if number is not None]
        return max(known, default=None)

    @property
    def is_failing(self) -> bool:
        """Whether the job failed or has failed items."""
        return self.status is JobStatus.FAILED or bool(self.failures)

    @property
    def estimated_end_at(self) -> float | None:
        """When a running job will end at its average speed until its last progress.

        It is ``None`` for a job that should have ended by now: it is stuck, or slower than before.
        """
        begin = self.created_at if self.started_at is None else self.started_at
        ratio, moved_at = self.progress_ratio, self.last_progress_at
        if self.status not in _RUNNING or ratio is None or not 0 < ratio < 1:
            return None
        if begin is None or moved_at is None:
            return None
        end = begin + (moved_at - begin) / ratio
        # A ratio close to zero leads to infinity.
        return end if (self.last_refreshed_at or moved_at) < end < math.inf else None


@dataclass(frozen=True, slots=True)
class ApiStatus:
    """One generation of the API; ``set_aside_for`` is why it is not in use.

    ``last_answered_at`` is when its last listing ended, in this process. ``has_answered`` is true
    if it ever listed the project, also in an earlier process.
    """

    api_version: str
    last_answered_at: float | None = None
    has_answered: bool = False
    set_aside_for: Failure | None = None

    @property
    def is_offered(self) -> bool | None:
        """Whether LlamaCloud offers it to the project, ``None`` before its first answer."""
        is_known = self.last_answered_at is not None or self.set_aside_for is not None
        return self.set_aside_for is None if is_known else None


@dataclass(frozen=True, slots=True)
class ProjectGauges:
    """A project's totals over its jobs, including those hidden by the cap."""

    project_id: str
    organization_id: str
    active_jobs: Mapping[tuple[JobType, JobStatus], int]
    failing_jobs: Mapping[JobType, int]
    active_items: Mapping[ItemStatus, int] | None


@dataclass(frozen=True, slots=True)
class ProjectView:
    """Everything that is published of one project, at one moment.

    ``counting_since`` is the baseline of the counters, which count what happened after it.
    ``gauges`` is ``None`` before the first listing and while the project is stale. ``number``
    increases with every view of a project.
    """

    project: str
    number: int
    counters: Counters
    gauges: ProjectGauges | None = None
    jobs: tuple[JobView, ...] = ()
    tracked_jobs: int = 0
    hidden_jobs: int = 0
    uncounted_jobs: int | None = None
    listing_truncated: bool | None = None
    last_listing_at: float | None = None
    counting_since: float | None = None
    apis: tuple[ApiStatus, ...] = ()
