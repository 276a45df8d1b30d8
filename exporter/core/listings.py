"""The listings of one project: when the next is due, and what came of the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.actions import ListJobs
from exporter.core.events import (
    ListingFailed,
    ListingSucceeded,
    ListingTruncated,
    ListingWholeAgain,
    ProjectStale,
)
from exporter.core.listing_update import ListingUpdate
from exporter.core.poll import ListingLatch
from exporter.domain import ErrorReason
from exporter.domain.ids import bare_id

if TYPE_CHECKING:
    from exporter.core.events import Event
    from exporter.core.job_table import JobTable
    from exporter.core.observations import Listed
    from exporter.domain import Failure, Listing

# A refused API key is tried again after five minutes at the latest; it may have been replaced.
_LONGEST_BACKOFF_SECONDS = 300.0
# Enough doublings for every interval that can be set.
_MOST_DOUBLINGS = 10
_FULL_AGAIN_AFTER_INTERVALS = 10


class Listings:
    """Owns what is known of listings; ``failure`` is why the last one failed, if it did."""

    def __init__(self, table: JobTable, now: float) -> None:
        self.number = 0
        self.under_way: ListJobs | None = None
        self.was_tried = False
        self.failure: Failure | None = None
        self.is_truncated: bool | None = None
        self.last_listing_at: float | None = None
        self.seen_project_id = ""
        self._table = table
        self._schedule = _Schedule(table.rules.interval, now)
        self._latch = ListingLatch()
        self._last_listing: float | None = None
        self._last_full_listing: float | None = None
        self._full_again_at = float("-inf")
        self._reported_stale = False
        # Whether the listing under way found more jobs than are held in memory.
        self._is_full = False

    @property
    def next_at(self) -> float:
        """The monotonic moment at which the next listing is due; never while one is under way."""
        return float("inf") if self.under_way else self._schedule.next_at

    def set_interval(self, seconds: float) -> None:
        """List so often from the next listing on."""
        self._schedule.interval = seconds

    def is_stale(self, now: float) -> bool:
        """Tell whether the project was not listed for too long, or never."""
        last = self._last_listing
        return last is None or now - last > self._table.rules.stale_after

    def begin(self, now: float, *, is_throttling: bool) -> ListJobs:
        """Plan the next listing, a full one from time to time."""
        rules, last_full = self._table.rules, self._last_full_listing
        is_full = last_full is None or now - last_full >= rules.full_listing_every
        is_full = is_full and now >= self._full_again_at
        plan = rules.listing_plan(None if is_full else self._table.history.news_since)
        self.under_way = ListJobs(plan, now, is_throttling)
        return self.under_way

    def apply(self, observation: Listed, now: float) -> list[Event]:
        """Apply a batch of listed jobs; the last one completes the listing."""
        listing = observation.listing
        self._table.history.begin_listing(listing)
        update = ListingUpdate(self._table, listing, self.number + 1, now)
        for job in observation.jobs:
            update.apply(job)
        self._is_full |= update.is_full
        if observation.is_last:
            update.events.extend(self._end(listing, observation.action, now))
        return update.events

    def failed(self, failure: Failure, now: float) -> ListingFailed:
        """Note that the project could not be listed."""
        rules = self._table.rules
        if self.under_way is not None and self.under_way.plan.news_since is None:
            # One bad page deep in the history must not hide what is new for longer.
            seconds = min(_FULL_AGAIN_AFTER_INTERVALS * rules.interval, rules.full_listing_every)
            self._full_again_at = now + seconds
        self.under_way, self.was_tried, self.failure = None, True, failure
        self._schedule.ended(now, refused=failure.reason is ErrorReason.UNAUTHORIZED)
        return ListingFailed(failure, is_news=self._latch.failed(failure.reason))

    def abandoned(self) -> None:
        """Note that a listing was given up: it is due again."""
        self.under_way = None

    def key_changed(self, now: float) -> None:
        """Let the next listing be due now."""
        self._schedule.key_changed(now)

    def stale_published(self) -> ProjectStale:
        """Note that active jobs are no longer published."""
        self._reported_stale = True
        return ProjectStale(self._table.rules.stale_after, listing_fails=self.failure is not None)

    def _end(self, listing: Listing, action: ListJobs, now: float) -> list[Event]:
        is_first, was_truncated = self.number == 0, bool(self.is_truncated)
        self._table.history.end_listing(listing, {tracked.job.id for tracked in self._table})
        self.number += 1
        self.under_way, self.was_tried, self.failure = None, True, None
        self._last_listing, self.last_listing_at = now, listing.ended_at
        # A bound may hide jobs: a listing that stops at old news cannot clear that.
        is_truncated, self._is_full = listing.truncated or self._is_full, False
        if is_truncated or listing.reached_end:
            self.is_truncated = is_truncated
        else:
            self.is_truncated = was_truncated
        if listing.reached_end:
            self._last_full_listing = action.began
        if not self.seen_project_id:
            seen = (job.project_id for job in listing.jobs if job.project_id)
            self.seen_project_id = bare_id(next(seen, ""))
        self._schedule.ended(now, refused=False)
        recovered = self._latch.succeeded(was_stale=self._reported_stale)
        self._reported_stale = False
        jobs, active = len(listing.jobs), sum(job.active for job in listing.jobs)
        events: list[Event] = [ListingSucceeded(jobs, active, is_first, recovered)]
        if self.is_truncated and not was_truncated:
            events.append(ListingTruncated(jobs))
        if was_truncated and not self.is_truncated:
            events.append(ListingWholeAgain(jobs))
        return events


class _Schedule:
    """The moments of a project's listings: every ``interval``, in steps that do not drift.

    While LlamaCloud refuses the key, the waits double from one interval up to five minutes. Another
    key starts anew.
    """

    def __init__(self, interval: float, began: float) -> None:
        self.interval = interval
        self.next_at = began
        self._refusals = 0

    def ended(self, now: float, *, refused: bool) -> None:
        """Set the next listing after one that ended ``now``; the key may have been ``refused``."""
        if refused:
            self.next_at = now + self._backoff()
            return
        self._refusals = 0
        self.next_at += ((now - self.next_at) // self.interval + 1) * self.interval

    def key_changed(self, now: float) -> None:
        """Let the next listing be due ``now``."""
        self._refusals = 0
        self.next_at = min(self.next_at, now)

    def _backoff(self) -> float:
        doubled = self.interval * (1 << min(self._refusals, _MOST_DOUBLINGS))
        self._refusals += 1
        return min(doubled, max(_LONGEST_BACKOFF_SECONDS, self.interval))
