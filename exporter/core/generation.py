"""The state of one generation of LlamaCloud's API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.history import LEAST_OVERLAP_SECONDS

if TYPE_CHECKING:
    from exporter.core.job_table import JobTable
    from exporter.core.rules import Rules
    from exporter.domain import Failure, Listing

EVER = float("-inf")
_IDLE_AFTER_SECONDS = 3600.0
_LONGEST_REST_SECONDS = 300.0


@dataclass(slots=True)
class Generation:
    """The state of one API generation; moments are monotonic.

    ``set_aside`` is the failure for which it is not requested before ``ask_again_at``.
    ``is_first_answer`` is true until its first listing was applied, and again after it was set
    aside.
    """

    listed_at: float | None = None
    listed_fully_at: float | None = None
    full_again_at: float = EVER
    last_answered_at: float | None = None
    began_at: float | None = None
    is_truncated: bool | None = None
    is_first_answer: bool = True
    set_aside: Failure | None = None
    times_unanswered: int = 0
    ask_again_at: float = EVER
    is_idle: bool = False

    @property
    def news_since(self) -> float | None:
        """The Unix time before which nothing is new, even if no listing was complete."""
        return None if self.began_at is None else self.began_at - LEAST_OVERLAP_SECONDS

    def is_stale(self, rules: Rules, now: float) -> bool:
        """Return whether its last listing is too old, or there was none."""
        return self.listed_at is None or now - self.listed_at > rules.stale_after

    def rests(self, rules: Rules, now: float) -> bool:
        """Return whether its next listing can wait, because nothing happens in it."""
        if self.listed_at is None or self.set_aside is not None or not self.is_idle:
            return False
        return now - self.listed_at + rules.interval <= _longest_rest(rules)

    def wants_full(self, rules: Rules, now: float) -> bool:
        """Return whether its next listing is a full one."""
        last = self.listed_fully_at
        if self.is_first_answer or last is None:
            return now >= self.full_again_at
        return now - last >= rules.full_listing_every and now >= self.full_again_at


def is_idle(table: JobTable, api_version: str, listing: Listing, now: float) -> bool:
    """Return whether no job of an API generation is active, and none changed in the last hour.

    Both the tracked jobs and those of ``listing`` are checked: each may lack some.
    """
    finals = (tracked.final for tracked in table if tracked.job.api_version == api_version)
    if len(table.unread) or any(
        final is None or now - final.ended_monotonic < _IDLE_AFTER_SECONDS for final in finals
    ):
        return False
    times = (job.updated_at or job.created_at or 0.0 for job in listing.jobs)
    return max(times, default=0.0) <= listing.ended_at - _IDLE_AFTER_SECONDS


def newest_answer(table: JobTable, api_version: str) -> float:
    """Return when the newest answer about an active job of an API generation was requested.

    Unlike the time of its last listing, this is known after a restart.
    """
    jobs = (t for t in table if t.final is None and t.job.api_version == api_version)
    return max((tracked.record_asked_monotonic for tracked in jobs), default=EVER)


def oldest_active(table: JobTable, api_version: str, since: float) -> float | None:
    """Return when the oldest active job was created, of those created after a Unix time."""
    created = (
        tracked.job.created_at
        for tracked in table
        if tracked.final is None and tracked.job.api_version == api_version
    )
    return min((time for time in created if time is not None and time >= since), default=None)


def _longest_rest(rules: Rules) -> float:
    """Return for how many seconds an idle API generation may stay unlisted.

    It may be listed late, but must not become stale.
    """
    return min(_LONGEST_REST_SECONDS, rules.stale_after / 2)
