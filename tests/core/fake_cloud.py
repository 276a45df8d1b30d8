"""A made-up LlamaCloud that answers in virtual time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from exporter.core.actions import CountItems, FetchStatus, ListJobs
from exporter.domain import (
    ErrorReason,
    Failure,
    ItemsCounted,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    Listing,
    NotCounted,
)
from tests.support.history import EPOCH, counts

if TYPE_CHECKING:
    from exporter.core.actions import RefreshJob
    from exporter.domain import ItemCounts, Job, ListingPlan

_KINDS = {ListJobs: "list", FetchStatus: "status", CountItems: "items"}
_FOUND_BY_STATUS = (JobStatus.PENDING, JobStatus.THROTTLED, JobStatus.RUNNING)


def failure(reason: str = "forbidden", *, is_refusal: bool = False) -> Failure:
    """Fail for a reason; with a refusal, as where a generation of the API is not offered."""
    return Failure(ErrorReason(reason), reason, "", is_refusal=is_refusal)


@dataclass(frozen=True)
class Request:
    """A request that was sent; a listing and a count are one, however many pages they would be."""

    moment: float
    action: ListJobs | RefreshJob

    @property
    def kind(self) -> str:
        """What was requested: ``list``, ``status`` or ``items``."""
        return _KINDS[type(self.action)]

    @property
    def job_id(self) -> str:
        """The job that was requested, empty for a listing."""
        return "" if isinstance(self.action, ListJobs) else self.action.job.id


@dataclass
class FakeCloud:
    """What one generation of LlamaCloud's API holds.

    A job without ``items`` has ten that are being processed.

    ``fetched`` is what the status of a job says where it contradicts the list. The jobs of
    ``late_pages`` are on no page that is read by a listing which stops at old news.

    ``failing`` and ``seconds`` say of a kind of request, or of one with the id of its job as in
    ``status job-1``, how it fails and how long it takes. ``next_listings`` come before both.
    """

    jobs: dict[str, Job] = field(default_factory=dict)
    fetched: dict[str, Job] = field(default_factory=dict)
    late_pages: set[str] = field(default_factory=set)
    items: dict[str, ItemCounts | None] = field(default_factory=dict)
    progress: dict[str, float] = field(default_factory=dict)
    failing: dict[str, Failure] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failing_full_listings: Failure | None = None
    next_listings: deque[Failure | None] = field(default_factory=deque)
    most_rows: int = 1_000_000
    rows_left_out: int = 0
    api_version: str = "v1beta"

    def add(self, *jobs: Job) -> None:
        """Add jobs, or replace them."""
        self.jobs |= {job.id: replace(job, api_version=self.api_version) for job in jobs}

    def change(self, job_id: str, **facts: Any) -> None:
        """Change what LlamaCloud says of a job."""
        self.jobs[job_id] = replace(self.jobs[job_id], **facts)

    def takes(self, request: Request) -> float:
        """Return how long a request takes."""
        names = (f"{request.kind} {request.job_id}", request.kind)
        return next((self.seconds[name] for name in names if name in self.seconds), 0.1)

    def answer(self, request: Request, answered_at: float) -> Any:
        """Answer with what LlamaCloud holds at the moment of the request."""
        asked, kind, job_id = request.moment, request.kind, request.job_id
        failing = self.failing.get(f"{kind} {job_id}", self.failing.get(kind))
        if isinstance(request.action, ListJobs):
            failing = self.next_listings.popleft() if self.next_listings else failing
            plan = request.action.plans[self.api_version]
            if plan.is_full:
                failing = failing or self.failing_full_listings
            return failing or self._listing(plan, asked, answered_at)
        if failing is not None:
            return failing
        if job_id not in self.jobs:
            return JobNotFound(job_id, asked, answered_at, failure("not_found"))
        if kind == "status":
            progress = self.progress.get(job_id, 0.5)
            record = self.fetched.get(job_id, self.jobs[job_id])
            return JobRefreshed(record, progress, asked, answered_at)
        items = self.items.get(job_id, counts(processing=10))
        too_many = NotCounted(job_id, asked)
        return ItemsCounted(job_id, items, asked, answered_at) if items else too_many

    def _listing(self, plan: ListingPlan, asked: float, answered_at: float) -> Listing:
        rows = sorted(self.jobs.values(), key=lambda job: -(job.created_at or 0.0))
        if self.api_version == "v1beta":
            news = self._not_long_ended(rows, plan)
            reached_end = len(news) == len(rows)
        else:
            news = _created_lately(rows, plan, EPOCH + asked)
            reached_end = plan.is_full
        shown = news[: self.most_rows]
        return Listing(
            jobs=tuple(shown),
            asked_monotonic=asked,
            began_at=EPOCH + asked,
            ended_at=answered_at,
            truncated=len(shown) < len(news),
            reached_end=reached_end,
            rows_left_out=self.rows_left_out,
        )

    def _not_long_ended(self, rows: list[Job], plan: ListingPlan) -> list[Job]:
        """Leave out old jobs, as v1beta may."""
        news_since = plan.news_since or 0.0
        late = self.late_pages if plan.news_since else ()
        news = [job for job in rows if job.active or (job.ended_at or 0.0) >= news_since]
        return [job for job in news if job.id not in late]


def _created_lately(rows: list[Job], plan: ListingPlan, now: float) -> list[Job]:
    """Show what was created lately, and in a full listing what is active, as v2 does."""
    since = now - plan.created_within if plan.created_within is not None else plan.created_since
    return [
        job
        for job in rows
        if since is None
        or (job.created_at is not None and job.created_at >= since)
        or (plan.is_full and job.status in _FOUND_BY_STATUS)
    ]
