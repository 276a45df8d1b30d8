"""The listings of one project: when the next is due, and the result of the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.actions import ListJobs
from exporter.core.authentication import Authentication
from exporter.core.events import (
    ListingFailed,
    ListingSucceeded,
    ListingTruncated,
    ListingWholeAgain,
    ProjectStale,
)
from exporter.core.generations import Generations
from exporter.core.listing_update import ListingUpdate
from exporter.core.poll import ListingLatch
from exporter.core.schedule import ListingSchedule
from exporter.domain import ErrorReason, Failure
from exporter.domain.ids import bare_id

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.job_table import JobTable
    from exporter.core.observations import Listed, Outcome
    from exporter.domain import ListingPlan

_DAY_SECONDS = 86_400.0


class Listings:
    """Owns the state of listings; ``failure`` is why the last one failed, if it did."""

    def __init__(self, table: JobTable, now: float) -> None:
        self.number = 0
        self.authentication = Authentication()
        self.generations = Generations(table.rules)
        self.under_way: ListJobs | None = None
        self.was_tried = False
        self.failure: Failure | None = None
        self.last_listing_at: float | None = None
        self.seen_project_id = ""
        self._table = table
        self._schedule = ListingSchedule(table.rules.interval, now)
        self._latch = ListingLatch()
        self._reported_stale = False
        self._failed: ListJobs | None = None
        # API generations with more jobs in the current listing than memory allows.
        self._over_limit: set[str] = set()

    @property
    def next_at(self) -> float:
        """The monotonic moment when the next listing is due, infinite while one is under way."""
        return float("inf") if self.under_way else self._schedule.next_at

    @property
    def is_truncated(self) -> bool | None:
        """Whether a limit hides jobs, ``None`` before the first listing."""
        known = [of.is_truncated for _, of in self.generations.items() if of.set_aside is None]
        return None if self.number == 0 else any(known)

    def rules_changed(self, now: float) -> None:
        """Apply the interval and the API generations of the table's new rules."""
        self._schedule.set_interval(self._table.rules.interval, now)
        self.generations.rules_changed(self._table.rules, now)

    def stale(self, now: float) -> frozenset[str]:
        """Return the API generations whose last listing is too old, or that have none."""
        return self.generations.stale(self._table.rules, now)

    def is_stale(self, now: float) -> bool:
        """Return whether all API generations are stale."""
        return self.stale(now) >= set(self._table.rules.api_versions)

    def begin(self, now: float, *, is_throttling: bool) -> ListJobs:
        """Plan the next listing, a full one from time to time."""
        # After a failure, every generation that may answer is requested.
        may_rest = self._schedule.is_late(now) and self.failure is None
        api_versions = self.generations.of_next_listing(self._table.rules, now, may_rest=may_rest)
        plans = {api_version: self._plan(api_version, now) for api_version in api_versions}
        self.under_way = ListJobs(plans, now, is_throttling)
        return self.under_way

    def failure_of(self, observation: Listed) -> Failure | None:
        """Return why a listing failed, ``None`` if it succeeded."""
        return self.generations.failure(observation.outcomes, self._table.history)

    def is_over(self, action: ListJobs) -> bool:
        """Return whether a listing is known to have failed: its other parts are ignored."""
        return action is self._failed

    def apply(self, observation: Listed, now: float) -> list[Event]:
        """Apply a part of the listed jobs; the last part completes the listing."""
        events: list[Event] = []
        self._table.history.begin_listing(observation.listings)
        api_version = observation.api_version
        listing = observation.listings.get(api_version)
        if listing is not None:
            update = ListingUpdate(
                self._table,
                self.generations,
                listing,
                number=self.number + 1,
                api_version=api_version,
                now=now,
            )
            for job in observation.jobs:
                update.apply(job)
            if update.is_over_limit:
                self._over_limit.add(api_version)
            events.extend(update.events)
        return events + self._end(observation, now) if observation.is_last else events

    def failed(self, action: ListJobs, failure: Failure, now: float) -> ListingFailed:
        """Record that the project could not be listed."""
        full = [version for version, plan in action.plans.items() if plan.is_full]
        self.generations.listing_failed(failure, self._table.rules, now, full=full)
        self._failed = action
        self.under_way, self.was_tried, self.failure = None, True, failure
        self._schedule.ended(now, refused=failure.reason is ErrorReason.UNAUTHORIZED)
        is_authenticated = self.authentication.listing_failed(failure.reason)
        is_new = self._latch.failed(failure.reason)
        return ListingFailed(failure, is_new=is_new, is_authenticated=is_authenticated)

    def abandoned(self) -> None:
        """Record that a listing was abandoned: it is due again."""
        self.under_way = None

    def key_changed(self, now: float) -> None:
        """Make the next listing due now."""
        self._schedule.key_changed(now)

    def drop_expired(self, now: float) -> None:
        """Drop the active jobs of API generations that have been set aside for too long."""
        for api_version in self.generations.expired(self._table, now):
            self._table.drop_active(api_version)

    def stale_published(self) -> ProjectStale:
        """Record that active jobs are no longer published."""
        self._reported_stale = True
        return ProjectStale(self._table.rules.stale_after, listing_fails=self.failure is not None)

    def _plan(self, api_version: str, now: float) -> ListingPlan:
        rules, generation = self._table.rules, self.generations[api_version]
        news_since = self._table.history.news_since(api_version)
        since = generation.news_since if news_since is None else news_since
        if since is None or generation.wants_full(rules, now):
            return rules.full_listing_plan()
        oldest = self._table.oldest_active(api_version, since - _DAY_SECONDS)
        return rules.listing_plan(news_since, min(since, oldest or since))

    def _end(self, observation: Listed, now: float) -> list[Event]:
        outcomes, action = observation.outcomes, observation.action
        is_first, was_truncated = self.number == 0, bool(self.is_truncated)
        events: list[Event] = []
        for api_version, outcome in outcomes.items():
            events += self._end_of(api_version, outcome, action.began, now)
        self.number += 1
        self.authentication.listing_succeeded()
        self.under_way, self.was_tried, self.failure = None, True, None
        self._schedule.ended(now, refused=False)
        recovered = self._latch.succeeded(was_stale=self._reported_stale)
        self._reported_stale = False
        listings = observation.listings.values()
        self.last_listing_at = max(listing.ended_at for listing in listings)
        # Several generations may list the same job.
        jobs = {job.id: job for listing in listings for job in listing.jobs}
        if not self.seen_project_id:
            seen = (job.project_id for job in jobs.values() if job.project_id)
            self.seen_project_id = bare_id(next(seen, ""))
        active = sum(job.active for job in jobs.values())
        events.insert(0, ListingSucceeded(len(jobs), active, is_first, recovered))
        if self.is_truncated and not was_truncated:
            events.append(ListingTruncated(len(jobs)))
        if was_truncated and not self.is_truncated:
            events.append(ListingWholeAgain(len(jobs)))
        return events

    def _end_of(self, api_version: str, outcome: Outcome, began: float, now: float) -> list[Event]:
        rules, history = self._table.rules, self._table.history
        if isinstance(outcome, Failure):
            self._table.unread.drop(api_version)
            history.set_aside.add(api_version)
            return self.generations.unanswered(api_version, outcome, self._table, now)
        tracked = {tracked.job.id for tracked in self._table}
        history.end_listing(api_version, outcome, tracked)
        oldest = outcome.ended_at - rules.retention_failed
        for job in self._table.unread.drop_older_than(oldest):
            history.past[job.id] = (api_version, job.status)
        is_over = api_version in self._over_limit
        self._over_limit.discard(api_version)
        self.generations[api_version].is_idle = self._table.is_idle(api_version, outcome, now)
        return self.generations.answered(api_version, outcome, began, now, is_over_limit=is_over)
