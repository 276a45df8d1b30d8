"""A LlamaCloud that answers requests about its jobs, with clocks and gaps of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from exporter.domain import (
    ITEM_DURATION_BUCKETS,
    OTHER_FAILURE_REASON,
    OTHER_SKIP_REASON,
    Histogram,
    ItemCounts,
    ItemsCounted,
    ItemStatus,
    Job,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    JobType,
    Listing,
    NotCounted,
    UncountedReason,
)
from tests.support.history import EPOCH, NOT_KNOWN, JobAnswer

# Jobs grow: of 20 items they can be counted only when they have ended, of 30 not at all, but of
# some jobs those in the statuses that are few.
FIRST_ITEMS, MORE_ITEMS = 10, 10
COUNTED_WHILE_ACTIVE, COUNTED_WHEN_ENDED = 10, 20
Answer = JobAnswer | Listing
NO_ITEMS = dict.fromkeys(ItemStatus, 0)
NO_DURATION = Histogram.empty(ITEM_DURATION_BUCKETS)


class Reasons(NamedTuple):
    """Why items are skipped, or why they fail, if that is how they end."""

    skip: str = OTHER_SKIP_REASON
    failure: str = OTHER_FAILURE_REASON


OTHER_REASONS = Reasons()


@dataclass
class CloudJob:
    """A job as it really is; ``row`` is what is listed of it, unless it is away from the list.

    ``few`` are the statuses whose items can be counted where all are too many. The items of a job
    that does not add up are never counted. ``listed_as`` is what the list says where it contradicts
    the status. ``missed_since`` is when a listing first missed the job that is away.
    """

    row: Job
    reports: bool
    dates: str
    few: tuple[ItemStatus, ...] = ()
    adds_up: bool = True
    listed_as: Job | None = None
    items: Counter[ItemStatus] = field(default_factory=Counter)
    skip_reasons: Counter[str] = field(default_factory=Counter)
    failure_reasons: Counter[str] = field(default_factory=Counter)
    newest_item_at: float | None = None
    away: bool = False
    missed_since: float | None = None
    was_away_for_long: bool = False

    @property
    def total_items(self) -> int:
        """How many items it has: every row contains it."""
        assert self.row.total_items is not None
        return self.row.total_items

    @property
    def left(self) -> int:
        """How many items are still to be done."""
        return self.total_items - self.items.total()

    def update(self, **facts: Any) -> None:
        """Set facts, and report the items if the job does so."""
        failed, skipped = self.items[ItemStatus.FAILED], self.items[ItemStatus.SKIPPED]
        if self.reports:
            facts |= {"failed_items": failed, "skipped_items": skipped}
            facts |= {"processed_items": self.items.total()}
        self.row = replace(self.row, **facts)


@dataclass
class World:
    """LlamaCloud, its clock, and this machine's, which have little to do with each other.

    ``slept`` is how long this machine was suspended: its monotonic clock stood still meanwhile.
    """

    moment: float = 0.0
    slept: float = 0.0
    clock_ahead: float = 0.0
    jobs: list[CloudJob] = field(default_factory=list)

    @property
    def now(self) -> float:
        """LlamaCloud's time."""
        return EPOCH + self.passed + self.clock_ahead

    @property
    def passed(self) -> float:
        """How much time really passed."""
        return self.moment + self.slept

    @property
    def active(self) -> list[CloudJob]:
        """Jobs that may still change by themselves."""
        return [job for job in self.jobs if job.row.active]

    @property
    def ended(self) -> list[CloudJob]:
        """Jobs that change only if someone has them retried."""
        return [job for job in self.jobs if not job.row.active]

    @property
    def unsettled(self) -> list[CloudJob]:
        """Jobs that have ended while not all of their items have."""
        return [job for job in self.ended if job.left]

    def create(
        self,
        job_type: JobType,
        dates: str,
        *,
        reports: bool,
        few: tuple[ItemStatus, ...] = (),
        adds_up: bool = True,
    ) -> None:
        """Create a job; ``dates`` is ``all``, ``created`` or ``none`` of them."""
        created_at = None if dates == "none" else self.now
        row = Job(
            id=f"job-{len(self.jobs)}",
            job_type=job_type,
            status=JobStatus.PENDING,
            project_id="p-1",
            total_items=FIRST_ITEMS,
            created_at=created_at,
        )
        self.jobs.append(CloudJob(row, reports, dates, few, adds_up))
        self.jobs[-1].update()

    def work(
        self, job: CloudJob, status: ItemStatus, number: int, reasons: Reasons = OTHER_REASONS
    ) -> None:
        """End items, if this many are left."""
        if number <= job.left:
            self._finish(job, status, number, reasons)
        started_at = job.row.started_at or (self.now if job.dates == "all" else None)
        job.update(status=JobStatus.RUNNING, started_at=started_at)

    def grow(self, job: CloudJob) -> None:
        """Add items to a job."""
        job.update(total_items=job.total_items + MORE_ITEMS)

    def retry(self, job: CloudJob) -> None:
        """Have the failed items done again."""
        job.items = Counter({**job.items, ItemStatus.FAILED: 0})
        job.failure_reasons.clear()
        job.update(status=JobStatus.RUNNING, completed_at=None)

    def end(self, job: CloudJob, status: JobStatus, *, settled: bool = True) -> None:
        """End a job and, if it is to be ``settled``, all its items."""
        rest = ItemStatus.COMPLETED if status is JobStatus.COMPLETED else ItemStatus.CANCELLED
        job.items[rest] += job.left if settled else 0
        job.update(status=status, completed_at=self.now if job.dates == "all" else None)

    def settle(self, job: CloudJob, status: ItemStatus, reasons: Reasons) -> None:
        """Bring to their end the items that a job left behind when it ended."""
        self._finish(job, status, job.left, reasons)
        job.update()

    def fail_late(self, job: CloudJob, number: int, reasons: Reasons) -> None:
        """Fail items that had completed when their job ended."""
        number = min(number, job.items[ItemStatus.COMPLETED])
        job.items[ItemStatus.COMPLETED] -= number
        job.items[ItemStatus.FAILED] += number
        job.failure_reasons[reasons.failure] += number
        job.update()

    def _finish(self, job: CloudJob, status: ItemStatus, number: int, reasons: Reasons) -> None:
        job.items[status] += number
        job.skip_reasons[reasons.skip] += number if status is ItemStatus.SKIPPED else 0
        job.failure_reasons[reasons.failure] += number if status is ItemStatus.FAILED else 0
        job.newest_item_at = self.now if number else job.newest_item_at

    def list_rows(self) -> list[Job]:
        """Return what is on the list, and record who is missing."""
        for job in self.jobs:
            if job.away and job.missed_since is None:
                job.missed_since = self.passed
        return [job.listed_as or job.row for job in self.jobs if not job.away]

    def listing(self, rows: list[Job], **facts: Any) -> Listing:
        """List ``rows`` at this moment."""
        return Listing(tuple(rows), self.moment, self.now, self.now, **facts)

    def status(self, job: CloudJob) -> JobRefreshed | JobNotFound:
        """Answer at this moment what the status of a job is."""
        if job.away:
            return JobNotFound(job.row.id, self.moment, self.now, NOT_KNOWN)
        ratio = job.items.total() / job.total_items
        return JobRefreshed(job.row, ratio, self.moment, self.now)

    def count(self, job: CloudJob) -> ItemsCounted | NotCounted:
        """Count the items of a job at this moment; of too many those that are few, if any are."""
        if not job.adds_up:
            return NotCounted(job.row.id, self.moment, UncountedReason.DOES_NOT_ADD_UP)
        limit = COUNTED_WHILE_ACTIVE if job.row.active else COUNTED_WHEN_ENDED
        too_many = job.total_items > limit
        if too_many and not job.few:
            return NotCounted(job.row.id, self.moment)
        left_in = ItemStatus.PENDING if job.row.active else ItemStatus.PROCESSING
        by_status = {**NO_ITEMS, **job.items, left_in: job.left}
        if too_many:
            by_status = {status: by_status[status] for status in job.few}
        counts = ItemCounts(
            by_status,
            dict(job.skip_reasons) if ItemStatus.SKIPPED in by_status else {},
            # One duration a count: a job whose items are observed once adds one observation.
            NO_DURATION if too_many else NO_DURATION.observe(2.0),
            job.newest_item_at,
            failure_reasons=dict(+job.failure_reasons) if ItemStatus.FAILED in by_status else {},
        )
        return ItemsCounted(job.row.id, counts, self.moment, self.now)
