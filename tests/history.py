"""A project's history for tests of the tracker: observations in, views and events out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter import tracker
from exporter.domain import (
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
    at_once,
)

if TYPE_CHECKING:
    from exporter.domain import JobView, ProjectView
    from exporter.tracker import Event

# LlamaCloud's clock and the monotonic one have nothing to do with each other.
EPOCH = 1_790_000_000.0
HOUR = 3600.0
# What LlamaCloud's own 404 for a job says.
NOT_KNOWN = Failure(ErrorReason.OTHER, "HTTP 404", "")

RULES = tracker.TrackerRules(
    project="invoices",
    api_version="v1beta",
    retention_finished=HOUR,
    retention_failed=24 * HOUR,
    min_scrapes=2,
    max_jobs=500,
    stale_after=300.0,
)


def job(job_id: str = "job-1", **facts: Any) -> Job:
    """Describe a running parse job created a minute after the history's start."""
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
    """Count all items, none in the statuses that are not named: ``counts(completed=3)``."""
    return ItemCounts({status: by_status.get(status, 0) for status in ItemStatus})


def take_in(
    listing: Listing, state: tracker.ProjectState, rules: tracker.TrackerRules, now: float
) -> tuple[tracker.ProjectState, tuple[Event, ...]]:
    """Take in a whole listing."""
    events: list[Event] = []
    for transition in tracker.taking_in(listing, rules, now):
        state, fresh = transition(state)
        events.extend(fresh)
    return state, tuple(events)


class History:
    """One project as the exporter lives through it; ``moment`` is seconds since its start."""

    def __init__(self, **rules: Any) -> None:
        self.rules = replace(RULES, **rules)
        self.state = tracker.initial_state(self.rules)
        self.moment = 0.0
        self.events: list[Event] = []

    @property
    def now(self) -> float:
        """LlamaCloud's time."""
        return EPOCH + self.moment

    def at(self, moment: float) -> History:
        """Let time pass until ``moment``."""
        self.moment = moment
        return self

    def listing(self, *jobs: Job, **facts: Any) -> History:
        """List ``jobs``."""
        listing = Listing(
            jobs=jobs,
            asked_monotonic=self.moment,
            began_at=facts.pop("began_at", self.now),
            ended_at=self.now,
            **facts,
        )
        return self._took(*take_in(listing, self.state, self.rules, self.moment))

    def status(
        self, answer: Job, progress: float | None = None, *, asked: float | None = None
    ) -> History:
        """Answer a question for a job's status that was ``asked`` at that moment."""
        asked = self.moment if asked is None else asked
        refreshed = JobRefreshed(answer, progress, asked, self.now)
        return self._took(*tracker.refreshed(self.state, refreshed, self.moment))

    def not_found(self, job_id: str = "job-1") -> History:
        """Answer that the job is not known."""
        answer = JobNotFound(job_id, self.moment, self.now, NOT_KNOWN)
        return self._took(*tracker.not_found(self.state, answer, self.moment))

    def count(
        self,
        job_id: str = "job-1",
        items: ItemCounts | None = None,
        *,
        asked: float | None = None,
    ) -> History:
        """Count a job's items, ``asked`` for at that moment, or find them too many."""
        asked = self.moment if asked is None else asked
        if items is None:
            self.state = tracker.uncountable(self.state, job_id, asked)
            return self
        counted = ItemsCounted(job_id, items, asked, self.now)
        return self._took(*tracker.counted(self.state, counted, self.moment))

    def scrape(self) -> History:
        """Publish, and let a scrape show it."""
        view = self.view()
        self.state = tracker.scraped(self.state, view.generation, self.rules)
        return self

    def view(self) -> ProjectView:
        """Publish what is known now."""
        self.state, steps = tracker.publish(self.state, self.rules, self.moment)
        return at_once(steps)

    def shown(self) -> dict[str, JobView]:
        """Return the jobs that are published now, by id."""
        return {view.job_id: view for view in self.view().jobs}

    def due(self) -> tracker.DueJobs:
        """Return the jobs to refresh now."""
        return tracker.due_for_refresh(self.state, self.rules, self.moment)

    def finished_items(self, status: str, job_type: JobType = JobType.PARSE) -> int:
        """Return the counter of items that ended in a status."""
        return self.view().counters.items_finished[job_type, ItemStatus(status)]

    def finished_jobs(self, status: str, job_type: JobType = JobType.PARSE) -> int:
        """Return the counter of jobs that ended in a status."""
        return self.view().counters.jobs_finished[job_type, JobStatus(status)]

    def _took(self, state: tracker.ProjectState, events: tuple[Event, ...]) -> History:
        self.state = state
        self.events.extend(events)
        return self
