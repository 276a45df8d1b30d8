"""What the tracker remembers of one project between observations: frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from exporter.domain import JobView
from exporter.tracker.book import no_counters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import Counters, FailedItem, ItemCounts, Job, JobStatus
    from exporter.tracker.accounts import Account
    from exporter.tracker.ending import Ending


@dataclass(frozen=True, slots=True)
class TrackerRules:
    """The settings that decide how one project is tracked; durations are in seconds."""

    project: str
    api_version: str
    retention_finished: float
    retention_failed: float
    min_scrapes: int
    max_jobs: int
    stale_after: float
    items_enabled: bool = True
    project_id: str | None = None
    organization_id: str | None = None


@dataclass(frozen=True)
class TrackedJob:
    """One job: its newest record, and what else was learnt of it.

    ``ending`` is ``None`` while the job is active. ``last_listed`` and ``not_found_in`` are
    numbers of listings. ``counted_total`` is the job's ``total_items`` when its items were last
    counted or found to be too many, ``items_asked_monotonic`` when that count was begun, and
    ``changed_asked_monotonic`` when the newest answer was asked for that told something else than
    the one before.
    """

    job: Job
    record_asked_monotonic: float
    last_progress_at: float | None
    last_listed: int
    progress_ratio: float | None = None
    status_asked_monotonic: float | None = None
    last_refreshed_at: float | None = None
    counts: ItemCounts | None = None
    counted_total: int | None = None
    items_last_counted_at: float | None = None
    items_asked_monotonic: float | None = None
    changed_asked_monotonic: float = float("-inf")
    not_found_in: int | None = None
    reported_failures: frozenset[str] = frozenset()
    more_failures_reported: bool = False
    ending: Ending | None = None

    @cached_property
    def view(self) -> JobView:
        """What is published of it."""
        job = self.job
        return JobView(
            job_id=job.id,
            job_type=job.job_type,
            directory_id=job.directory_id or "",
            status=job.status,
            total_items=job.total_items,
            progress_ratio=self.progress_ratio,
            processed_items=job.processed_items,
            failed_items=job.failed_items,
            skipped_items=job.skipped_items,
            items=self.counts.by_status if self.counts else None,
            created_at=job.created_at,
            started_at=job.started_at,
            completed_at=job.completed_at,
            last_progress_at=self.last_progress_at,
            last_refreshed_at=self.last_refreshed_at,
            items_last_counted_at=self.items_last_counted_at,
        )


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A project: its jobs, what they added to the counters, and from when on things count.

    ``accounts`` outlive their jobs, so that a job that returns is neither counted nor shown twice.
    """

    counters: Counters
    jobs: Mapping[str, TrackedJob] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    listings: int = 0
    baseline_at: float | None = None
    watermark_at: float | None = None
    last_listing_monotonic: float | None = None
    last_listing_at: float | None = None
    listing_truncated: bool | None = None
    seen_project_id: str = ""
    generation: int = 0
    scraped_generations: tuple[int, ...] = ()


def initial_state(rules: TrackerRules) -> ProjectState:
    """Begin to track a project."""
    return ProjectState(counters=no_counters(items_enabled=rules.items_enabled))


@dataclass(frozen=True, slots=True)
class JobAppeared:
    """A job was seen for the first time, active."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobChangedStatus:
    """A job is active with another status than before; ``before`` may be an ended one."""

    job: Job
    before: JobStatus


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job was seen to end."""

    job: Job


@dataclass(frozen=True, slots=True)
class ItemsFailed:
    """Failed items of a job were seen for the first time."""

    job: Job
    items: tuple[FailedItem, ...]


@dataclass(frozen=True, slots=True)
class MoreItemsFailed:
    """A job has more failed items than are reported one by one."""

    job: Job
    not_reported: int


Event = JobAppeared | JobChangedStatus | JobEnded | ItemsFailed | MoreItemsFailed
