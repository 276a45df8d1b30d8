"""Applying the parts of a listing that succeeded: its rows, and its end for each API generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.events import ListingSucceeded, ListingTruncated, ListingWholeAgain
from exporter.core.listing_update import ListingUpdate
from exporter.domain import Failure
from exporter.domain.ids import bare_id

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.job_table import JobTable
    from exporter.core.listings import Listings
    from exporter.core.observations import Listed, Outcome


class ListedParts:
    """Applies listings that succeeded to the table of jobs and to the state of the listings."""

    def __init__(self, table: JobTable, listings: Listings) -> None:
        self._table = table
        self._listings = listings
        # API generations with more jobs in the current listing than memory allows.
        self._over_limit: set[str] = set()

    def apply(self, observation: Listed, now: float) -> list[Event]:
        """Apply a part of the listed jobs; the last part completes the listing."""
        events: list[Event] = []
        self._table.history.begin_listing(observation.listings)
        api_version = observation.api_version
        listing = observation.listings.get(api_version)
        if listing is not None:
            update = ListingUpdate(
                self._table,
                self._listings.generations,
                listing,
                number=self._listings.number + 1,
                api_version=api_version,
                now=now,
            )
            for job in observation.jobs:
                update.apply(job)
            if update.is_over_limit:
                self._over_limit.add(api_version)
            events.extend(update.events)
        return events + self._end(observation, now) if observation.is_last else events

    def _end(self, observation: Listed, now: float) -> list[Event]:
        listings, answered = self._listings, observation.listings.values()
        is_first, was_truncated = listings.number == 0, bool(listings.is_truncated)
        events: list[Event] = []
        for api_version, outcome in observation.outcomes.items():
            events += self._end_of(api_version, outcome, observation.action.began, now)
        recovered = listings.succeeded(max(listing.ended_at for listing in answered), now)
        # Several generations may list the same job.
        jobs = {job.id: job for listing in answered for job in listing.jobs}
        if not listings.seen_project_id:
            seen = (job.project_id for job in jobs.values() if job.project_id)
            listings.seen_project_id = bare_id(next(seen, ""))
        active = sum(job.active for job in jobs.values())
        events.insert(0, ListingSucceeded(len(jobs), active, is_first, recovered))
        if listings.is_truncated and not was_truncated:
            events.append(ListingTruncated(len(jobs)))
        if was_truncated and not listings.is_truncated:
            events.append(ListingWholeAgain(len(jobs)))
        return events

    def _end_of(self, api_version: str, outcome: Outcome, began: float, now: float) -> list[Event]:
        table, generations = self._table, self._listings.generations
        if isinstance(outcome, Failure):
            return generations.set_aside(api_version, outcome, table, now)
        tracked = {tracked.job.id for tracked in table}
        table.history.end_listing(api_version, outcome, tracked)
        oldest = outcome.ended_at - table.rules.retention_failed
        for job in table.unread.drop_older_than(oldest):
            table.history.past[job.id] = (api_version, job.status)
        is_over_limit = api_version in self._over_limit
        self._over_limit.discard(api_version)
        generations[api_version].is_idle = table.is_idle(api_version, outcome, now)
        return generations.answered(api_version, outcome, began, now, is_over_limit=is_over_limit)
