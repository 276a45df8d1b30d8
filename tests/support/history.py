"""A project's history for tests of the core: observations in, views and events out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.core.actions import CountItems, FetchStatus, ListJobs
from exporter.core.due import due_jobs, wants_count
from exporter.core.events import (
    ItemsFailed,
    ItemsFailedBeforeStart,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    JobGivenUp,
    JobRecordsContradict,
    JobReturned,
    MoreItemsFailed,
)
from exporter.core.observations import Listed, Refreshed, Scraped, Shown
from exporter.core.project import ProjectCore
from exporter.core.rules import Rules
from exporter.domain import (
    CountLimits,
    ErrorReason,
    Failure,
    ItemCounts,
    ItemsCounted,
    ItemStatus,
    Job,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    JobType,
    Listing,
    ListingPlan,
    NotCounted,
    UncountedReason,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.core.due import DueJobs
    from exporter.core.events import Event
    from exporter.core.job_table import JobTable
    from exporter.core.observations import Observation
    from exporter.domain import JobView, ProjectView

# LlamaCloud's clock and the monotonic one are independent.
EPOCH = 1_790_000_000.0
HOUR = 3600.0
# The body of LlamaCloud's own 404 for a job.
NOT_KNOWN = Failure(ErrorReason.OTHER, "HTTP 404", "")

RULES = Rules(
    project="invoices",
    api_versions=("v1beta",),
    interval=30.0,
    full_listing_every=900.0,
    stale_after=300.0,
    listing_max_requests=100,
    items_max_requests=10,
    retention_finished=HOUR,
    retention_failed=24 * HOUR,
    min_scrapes=2,
    max_jobs=500,
)
JobAnswer = JobRefreshed | JobNotFound | ItemsCounted | NotCounted
_JOB_EVENTS = (
    *(JobAppeared, JobChangedStatus, JobEnded, JobReturned, JobGivenUp, JobRecordsContradict),
    *(ItemsFailed, MoreItemsFailed, ItemsFailedBeforeStart),
)


def job(job_id: str = "job-1", **facts: Any) -> Job:
    """Return a running parse job created a minute after the history's start."""
    defaults: dict[str, Any] = {
        "job_type": JobType.PARSE,
        "status": JobStatus.RUNNING,
        "project_id": "p-1",
        "total_items": 10,
        "processed_items": 0,
        "failed_items": 0,
        "skipped_items": 0,
        "created_at": EPOCH + 60,
    }
    return Job(id=job_id, **(defaults | facts))


def counts(**by_status: int) -> ItemCounts:
    """Return counts of all items, 0 for statuses without a number: ``counts(completed=3)``."""
    return ItemCounts({status: by_status.get(status, 0) for status in ItemStatus})


def parts(listing: Listing, moment: float) -> Iterator[Listed]:
    """Return the parts of a listing that began at ``moment``, with some jobs in each."""
    return Listed.parts(ListJobs({"v1beta": ListingPlan(100)}, moment), {"v1beta": listing})


def job_of(answer: JobAnswer) -> str:
    """Return the id of the job that an answer is about."""
    return answer.job.id if isinstance(answer, JobRefreshed) else answer.job_id


def answered(answer: JobAnswer, moment: float, known: Job | None = None) -> Refreshed:
    """Return an answer about one job, ``known`` as that, to a request of ``moment``."""
    known = known or job(job_of(answer))
    if isinstance(answer, JobRefreshed | JobNotFound):
        return Refreshed(FetchStatus(known, None, moment), answer, None)
    return Refreshed(CountItems(known, None, CountLimits(10), moment), answer, None)


def table_of(core: ProjectCore) -> JobTable:
    """Return the jobs that a core tracks, including those that no view shows."""
    return core.table


def advance(core: ProjectCore, moment: float) -> ProjectView:
    """Advance the core to now, and return the view to publish."""
    core.next_action(moment, may_list=False, may_refresh=False)
    return core.view(moment)


class History:
    """The history of one project; ``moment`` is seconds since its start."""

    def __init__(self, **rules: Any) -> None:
        self.rules = replace(RULES, **rules)
        self.core = ProjectCore(self.rules, 0.0)
        self.moment = 0.0
        self.events: list[Event] = []

    @property
    def now(self) -> float:
        """LlamaCloud's time."""
        return EPOCH + self.moment

    @property
    def table(self) -> JobTable:
        """The jobs that are tracked."""
        return table_of(self.core)

    def at(self, moment: float) -> History:
        """Advance time to ``moment``."""
        self.moment = moment
        return self

    def receive(self, observation: Observation) -> list[Event]:
        """Receive an observation, and return the events of jobs and items."""
        received = self.core.receive(observation, self.moment)
        events: list[Event] = [event for event in received if isinstance(event, _JOB_EVENTS)]
        self.events += events
        return events

    def listing(self, *jobs: Job, **facts: Any) -> History:
        """Receive a listing of ``jobs``."""
        listing = Listing(
            jobs=jobs,
            asked_monotonic=self.moment,
            began_at=facts.pop("began_at", self.now),
            ended_at=self.now,
            **facts,
        )
        for part in parts(listing, self.moment):
            self.receive(part)
        return self

    def status(
        self, answer: Job, progress: float | None = None, *, asked: float | None = None
    ) -> History:
        """Receive the answer to a status request of the moment ``asked``."""
        asked = self.moment if asked is None else asked
        self.receive(answered(JobRefreshed(answer, progress, asked, self.now), asked))
        return self

    def not_found(self, job_id: str = "job-1", *, asked: float | None = None) -> History:
        """Receive a 404 for a request of the moment ``asked``."""
        asked = self.moment if asked is None else asked
        self.receive(answered(JobNotFound(job_id, asked, self.now, NOT_KNOWN), asked))
        return self

    def count(
        self,
        job_id: str = "job-1",
        items: ItemCounts | None = None,
        *,
        asked: float | None = None,
    ) -> History:
        """Receive the count of a job's items, requested at the moment ``asked``, or "too many"."""
        asked = self.moment if asked is None else asked
        if items is None:
            self.receive(answered(NotCounted(job_id, asked), asked, self.known(job_id)))
        else:
            counted = ItemsCounted(job_id, items, asked, self.now)
            self.receive(answered(counted, asked, self.known(job_id)))
        return self

    def known(self, job_id: str) -> Job | None:
        """Return the job that the core tracks."""
        tracked = self.table.get(job_id)
        return None if tracked is None else tracked.job

    def does_not_add_up(self, job_id: str = "job-1") -> History:
        """Receive a count of items that does not add up."""
        reason = UncountedReason.DOES_NOT_ADD_UP
        not_counted = NotCounted(job_id, self.moment, reason)
        self.receive(answered(not_counted, self.moment, self.known(job_id)))
        return self

    def scrape(self) -> History:
        """Publish, and report a scrape to the core."""
        self.receive(Scraped(self.view().number))
        return self

    def view(self) -> ProjectView:
        """Publish the current view, and return it."""
        view = advance(self.core, self.moment)
        self.receive(Shown(view))
        return view

    def shown(self) -> dict[str, JobView]:
        """Return the jobs that are published now, by id."""
        return {view.job_id: view for view in self.view().jobs}

    def due(self) -> DueJobs:
        """Return the jobs to refresh now."""
        return due_jobs(self.table, self.rules, self.moment, patience=0.0)

    def wants_count(self, job_id: str = "job-1") -> bool:
        """Return whether to count the items of a tracked job now."""
        tracked = self.table.get(job_id)
        assert tracked is not None
        return wants_count(tracked, self.rules, self.moment)

    def finished_items(self, status: str, job_type: JobType = JobType.PARSE) -> int:
        """Return the counter of items that ended in a status."""
        return self.view().counters.items_finished[job_type, ItemStatus(status)]

    def finished_jobs(self, status: str, job_type: JobType = JobType.PARSE) -> int:
        """Return the counter of jobs that ended in a status."""
        return self.view().counters.jobs_finished[job_type, JobStatus(status)]
