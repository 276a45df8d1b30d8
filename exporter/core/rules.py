"""The settings that decide what one project's core does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.domain import CountLimits, ListingPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain import Job

# Two listings of the longest pages, and about 200 MiB at most: made-up jobs of a broken server must
# not fill the memory.
_MOST_TRACKED_FOR_A_PAGE = 2 * 1000
_MOST_TRACKED = 100_000
# The counters need the last count of a job, even with a short retention.
_LEAST_SECONDS_TO_COUNT = 900.0
# The final count of a job may cost more requests than each count while it is active.
_FINAL_COUNT_FACTOR = 5
_GIVEN_UP_AFTER_INTERVALS = 30
# v2 lists jobs by their creation: a week, and a day for jobs that take long.
_FULL_LISTING_REACHES_BACK_SECONDS = 8 * 86_400.0


@dataclass(frozen=True, slots=True)
class Rules:
    """How one project is polled, tracked and published; durations are in seconds.

    ``listing_max_requests`` and ``items_max_requests`` bound the requests of one listing and of
    one count of an active job.
    """

    project: str
    api_versions: Sequence[str]
    interval: float
    full_listing_every: float
    stale_after: float
    listing_max_requests: int
    items_max_requests: int
    retention_finished: float
    retention_failed: float
    min_scrapes: int
    max_jobs: int
    items_enabled: bool = True
    project_id: str | None = None
    organization_id: str | None = None
    directory_ids: Sequence[str] = ()
    job_types: Sequence[str] = ()

    @property
    def max_tracked(self) -> int:
        """How many jobs are held in memory at most."""
        filters = max(len(self.directory_ids), 1) * max(len(self.job_types), 1)
        return min(_MOST_TRACKED_FOR_A_PAGE * self.listing_max_requests * filters, _MOST_TRACKED)

    def full_listing_plan(self) -> ListingPlan:
        """Plan a full listing."""
        return replace(
            self.listing_plan(None, None),
            is_full=True,
            created_within=max(_FULL_LISTING_REACHES_BACK_SECONDS, self.retention_failed),
        )

    def listing_plan(self, news_since: float | None, created_since: float | None) -> ListingPlan:
        """Plan a listing that leaves out old jobs; for the arguments, see ``ListingPlan``."""
        return ListingPlan(
            self.listing_max_requests,
            self.directory_ids,
            self.job_types,
            news_since,
            created_since,
        )

    def count_limits(self, job: Job) -> CountLimits:
        """Return the limits of a count of ``job``."""
        factor = 1 if job.active else _FINAL_COUNT_FACTOR
        give_up_after_seconds = _GIVEN_UP_AFTER_INTERVALS * self.interval
        return CountLimits(factor * self.items_max_requests, give_up_after_seconds)

    def retention(self, *, is_failing: bool) -> float:
        """Return for how many seconds an ended job stays."""
        return self.retention_failed if is_failing else self.retention_finished

    def longest_to_count(self, *, is_failing: bool) -> float:
        """Return for how many seconds an ended job stays at most until its items are counted."""
        keep_seconds = self.retention(is_failing=is_failing)
        return max(keep_seconds, self.retention_failed, _LEAST_SECONDS_TO_COUNT)
