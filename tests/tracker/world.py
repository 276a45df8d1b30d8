"""A LlamaCloud that says of its jobs what it is asked, with clocks and gaps of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from history import EPOCH

from exporter.domain import (
    KNOWN_SKIP_REASONS,
    ItemCounts,
    ItemsCounted,
    ItemStatus,
    Job,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    JobType,
    Listing,
)

TOTAL_ITEMS = 10
NO_ITEMS = dict.fromkeys(ItemStatus, 0)
ONE_DURATION = ItemCounts({}).durations.observe(2.0)


@dataclass
class CloudJob:
    """A job as it really is; ``row`` is what is listed of it, unless it is away from the list."""

    row: Job
    reports: bool
    dates: str
    items: Counter[ItemStatus] = field(default_factory=Counter)
    away_since: float | None = None

    def update(self, **facts: Any) -> None:
        """Take in facts, and report the failed and skipped items if the job does so."""
        failed, skipped = self.items[ItemStatus.FAILED], self.items[ItemStatus.SKIPPED]
        if self.reports:
            facts |= {"failed_items": failed, "skipped_items": skipped}
        self.row = replace(self.row, **facts)


@dataclass
class World:
    """LlamaCloud, its clock, and this machine's, which have little to do with each other."""

    moment: float = 0.0
    clock_ahead: float = 0.0
    jobs: list[CloudJob] = field(default_factory=list)

    @property
    def now(self) -> float:
        """LlamaCloud's time."""
        return EPOCH + self.moment + self.clock_ahead

    @property
    def active(self) -> list[CloudJob]:
        """Jobs that may still change by themselves."""
        return [job for job in self.jobs if job.row.active]

    @property
    def ended(self) -> list[CloudJob]:
        """Jobs that change only if someone has them retried."""
        return [job for job in self.jobs if not job.row.active]

    def create(self, job_type: JobType, dates: str, *, reports: bool) -> None:
        """Create a job; ``dates`` is ``all``, ``created`` or ``none`` of them."""
        created_at = None if dates == "none" else self.now
        row = Job(
            id=f"job-{len(self.jobs)}",
            job_type=job_type,
            status=JobStatus.PENDING,
            project_id="p-1",
            total_items=TOTAL_ITEMS,
            created_at=created_at,
        )
        self.jobs.append(CloudJob(row, reports, dates))
        self.jobs[-1].update()

    def work(self, job: CloudJob, done: Counter[ItemStatus]) -> None:
        """Bring items to their end, if there are so many left."""
        if done.total() + job.items.total() <= TOTAL_ITEMS:
            job.items += done
        started_at = job.row.started_at or (self.now if job.dates == "all" else None)
        job.update(status=JobStatus.RUNNING, started_at=started_at)

    def retry(self, job: CloudJob) -> None:
        """Have the failed items done again."""
        job.items = Counter({**job.items, ItemStatus.FAILED: 0})
        job.update(status=JobStatus.RUNNING, completed_at=None)

    def end(self, job: CloudJob, status: JobStatus) -> None:
        """End a job and all its items."""
        rest = ItemStatus.COMPLETED if status is JobStatus.COMPLETED else ItemStatus.CANCELLED
        job.items[rest] += TOTAL_ITEMS - job.items.total()
        job.update(status=status, completed_at=self.now if job.dates == "all" else None)

    def listing(self, rows: list[Job], **facts: Any) -> Listing:
        """List ``rows`` at this moment."""
        return Listing(tuple(rows), self.moment, self.now, self.now, **facts)

    def status(self, job: CloudJob) -> JobRefreshed | JobNotFound:
        """Answer at this moment what the status of a job is."""
        if job.away_since is not None:
            return JobNotFound(job.row.id, self.now)
        return JobRefreshed(job.row, job.items.total() / TOTAL_ITEMS, self.moment, self.now)

    def count(self, job: CloudJob) -> ItemsCounted:
        """Count the items of a job at this moment."""
        by_status = {**NO_ITEMS, **job.items, ItemStatus.PENDING: TOTAL_ITEMS - job.items.total()}
        reasons = {KNOWN_SKIP_REASONS[0]: job.items[ItemStatus.SKIPPED]}
        # One duration a count: a job whose items are observed once adds one observation.
        counts = ItemCounts(by_status, reasons, durations=ONE_DURATION)
        return ItemsCounted(job.row.id, counts, self.moment, self.now)
