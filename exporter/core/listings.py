"""The listings of one project: when the next is due, what it requests, and whether it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.actions import ListJobs
from exporter.core.authentication import Authentication
from exporter.core.events import ListingFailed, ProjectStale
from exporter.core.final_state import MOST_DOUBLINGS
from exporter.core.generations import Generations
from exporter.core.poll import ListingLatch
from exporter.domain import ErrorReason

if TYPE_CHECKING:
    from exporter.core.job_table import JobTable
    from exporter.domain import Failure, ListingPlan

_DAY_SECONDS = 86_400.0
# While the key is refused: it may have been replaced.
_LONGEST_BACKOFF_SECONDS = 300.0
_LATE_BY_INTERVALS = 0.5


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
        self._schedule = _Schedule(table.rules.interval, now)
        self._latch = ListingLatch()
        self._reported_stale = False
        self._failed: ListJobs | None = None

    @property
    def next_at(self) -> float:
        """The monotonic moment when the next listing is due, infinite while one is under way."""
        return float("inf") if self.under_way else self._schedule.next_at

    @property
    def is_truncated(self) -> bool | None:
        """Whether a limit hides jobs, ``None`` before the first listing."""
        known = [of.is_truncated for _, of in self.generations.items() if of.set_aside_for is None]
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

    def has_failed(self, action: ListJobs) -> bool:
        """Return whether a listing is known to have failed: its other parts are ignored."""
        return action is self._failed

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

    def succeeded(self, ended_at: float, now: float) -> bool:
        """Record that the project was listed; return whether to report that as a recovery.

        The last answer came at the Unix time ``ended_at``.
        """
        self.number += 1
        self.authentication.listing_succeeded()
        self.under_way, self.was_tried, self.failure = None, True, None
        self.last_listing_at = ended_at
        self._schedule.ended(now, refused=False)
        recovered = self._latch.succeeded(was_stale=self._reported_stale)
        self._reported_stale = False
        return recovered

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


class _Schedule:
    """Schedules listings every ``interval`` seconds, in steps that do not drift.

    While LlamaCloud refuses the key, the wait doubles from one interval up to five minutes. A new
    key resets it.
    """

    def __init__(self, interval: float, began: float) -> None:
        self.interval = interval
        self.next_at = began
        self._refusals = 0

    def is_late(self, now: float) -> bool:
        """Return whether a listing that begins ``now`` is late: the budget is too small."""
        return now - self.next_at >= _LATE_BY_INTERVALS * self.interval

    def ended(self, now: float, *, refused: bool) -> None:
        """Schedule the next listing; ``refused`` if the last one failed because of the key."""
        if refused:
            doubled = self.interval * 2 ** min(self._refusals, MOST_DOUBLINGS)
            self._refusals += 1
            self.next_at = now + min(doubled, max(_LONGEST_BACKOFF_SECONDS, self.interval))
            return
        self._refusals = 0
        self.next_at += ((now - self.next_at) // self.interval + 1) * self.interval

    def set_interval(self, seconds: float, now: float) -> None:
        """Change the interval; the next listing is due ``seconds`` from ``now`` at the latest."""
        self.interval = seconds
        self.next_at = min(self.next_at, now + seconds)

    def key_changed(self, now: float) -> None:
        """Make the next listing due ``now``."""
        self._refusals = 0
        self.next_at = min(self.next_at, now)
