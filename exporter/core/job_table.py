"""The tracked jobs of a project, and what follows from each change of a job."""

from __future__ import annotations

from dataclasses import replace
from heapq import nsmallest
from typing import TYPE_CHECKING

from exporter.core.counters import ProjectCounters
from exporter.core.departures import Departures
from exporter.core.history import History
from exporter.core.recent import Recent
from exporter.core.retention import rank
from exporter.core.totals import Totals
from exporter.core.unread_batches import UnreadBatches
from exporter.core.view import job_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from exporter.core.rules import Rules
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import JobView, Listing

_IDLE_AFTER_SECONDS = 3600.0


class JobTable:
    """Owns the tracked jobs, and updates progress, totals and views with each change.

    ``history`` and ``counters`` survive a restart, all else belongs to this process. ``job_views``
    holds the views of all jobs.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.history = History(rules)
        self.counters = ProjectCounters(self.history)
        self.totals = Totals(rules.api_versions)
        self.recent = Recent()
        self.unread = UnreadBatches()
        self._jobs: dict[str, TrackedJob] = {}
        self.job_views: dict[str, JobView] = {}
        # Cached while more jobs are tracked than shown, until a rank changes.
        self._most_important: frozenset[str] | None = None
        self._withdrawn: Collection[str] = ()
        self.departures = Departures(self)

    def replace_rules(self, rules: Rules, now: float) -> None:
        """Apply other rules, which decide which jobs are shown, and when they leave."""
        self.rules = self.history.rules = rules
        self._most_important = None
        for tracked in [*self]:
            self._store(tracked, tracked, now)

    def __len__(self) -> int:
        """Count the tracked jobs."""
        return len(self._jobs)

    def __iter__(self) -> Iterator[TrackedJob]:
        """Iterate over the tracked jobs, the longest tracked first."""
        return iter(self._jobs.values())

    @property
    def is_at_limit(self) -> bool:
        """Whether the limit of jobs in memory is reached."""
        return len(self._jobs) + len(self.unread) >= self.rules.max_tracked

    def get(self, job_id: str) -> TrackedJob | None:
        """Return a tracked job, ``None`` if there is none with this id."""
        return self._jobs.get(job_id)

    def add(self, tracked: TrackedJob, seen_at: float, now: float) -> None:
        """Track a job that was seen for the first time; the history has its marks."""
        self.history.begin_progress(tracked, seen_at)
        self.recent.note(None, tracked, seen_at)
        self._store(None, tracked, now)

    def restore(self, tracked: TrackedJob, now: float) -> None:
        """Track a job that was tracked before a restart; the history has its marks."""
        self._store(None, tracked, now)

    def update(
        self, before: TrackedJob, after: TrackedJob, seen_at: float | None, now: float
    ) -> None:
        """Apply a change that the counters include; an answer has the Unix time ``seen_at``."""
        if seen_at is not None:
            self.history.note_progress(before, after, seen_at)
        self.recent.note(before, after, seen_at)
        final, enabled = after.final, self.rules.items_enabled
        is_final = final is not None and final.is_complete(items_enabled=enabled)
        self._store(before, replace(after, memory=None) if is_final else after, now)

    def note(self, after: TrackedJob) -> None:
        """Apply a change of a job that does not affect what is published."""
        self._jobs[after.job.id] = after

    def views(self, stale: Collection[str]) -> tuple[JobView, ...]:
        """Return the views of the jobs that have series of their own.

        Active jobs of ``stale`` API generations have none.
        """
        # If all generations are stale, the jobs that are shown stay the same.
        withdrawn = () if len(stale) == len(self.rules.api_versions) else stale
        if withdrawn != self._withdrawn:
            self._withdrawn = withdrawn
            self._ranks_changed()
        shown = self.shown()
        if not stale and len(shown) == len(self.job_views):
            return tuple(self.job_views.values())
        return tuple(
            view
            for id_, view in self.job_views.items()
            if id_ in shown and (view.api_version not in stale or self._jobs[id_].final)
        )

    def drop_active(self, api_version: str) -> None:
        """Drop the active jobs of an API generation that is no longer offered."""
        self._remove(*self._active(api_version))

    def newest_answer(self, api_version: str) -> float:
        """Return when the newest answer about an active job of an API generation was requested.

        Unlike the time of the last listing, this is known after a restart.
        """
        active = self._active(api_version)
        return max((tracked.record_asked_monotonic for tracked in active), default=float("-inf"))

    def oldest_active(self, api_version: str, since: float) -> float | None:
        """Return when the oldest of the active jobs created after a Unix time was created."""
        created = (tracked.job.created_at for tracked in self._active(api_version))
        return min((at for at in created if at is not None and at >= since), default=None)

    def is_idle(self, api_version: str, listing: Listing, now: float) -> bool:
        """Return whether no job of an API generation is active or changed in the last hour.

        Both the tracked jobs and those of ``listing`` are checked: each may lack some.
        """
        finals = [tracked.final for tracked in self if tracked.job.api_version == api_version]
        if len(self.unread) or any(
            final is None or now - final.ended_monotonic < _IDLE_AFTER_SECONDS for final in finals
        ):
            return False
        times = (job.updated_at or job.created_at or 0.0 for job in listing.jobs)
        return max(times, default=0.0) <= listing.ended_at - _IDLE_AFTER_SECONDS

    def shown(self) -> Collection[str]:
        """Return the jobs that have series of their own: all, or the most important ones."""
        most = self.rules.max_jobs
        if len(self._jobs) <= most:
            return self._jobs.keys()
        if self._most_important is None:
            ranked = nsmallest(most, map(self._rank, self))
            self._most_important = frozenset(job_id for *_, job_id in ranked)
        return self._most_important

    def drop_leaving(self, now: float) -> None:
        """Drop the ended jobs that leave."""
        self._remove(*self.departures.leaving(now))

    def _active(self, api_version: str) -> list[TrackedJob]:
        return [t for t in self if t.final is None and t.job.api_version == api_version]

    def _store(self, before: TrackedJob | None, after: TrackedJob, now: float) -> None:
        job_id = after.job.id
        self._jobs[job_id] = after
        self.totals.replace(before, after)
        progress_at = self.history.last_progress_at.get(job_id)
        view = job_view(after, progress_at, items_enabled=self.rules.items_enabled)
        if view != self.job_views.get(job_id):
            self.job_views[job_id] = view
        if before is None or rank(before) != rank(after):
            self._ranks_changed()
        if after.final is None:
            self.departures.forget(job_id)
        else:
            self.departures.expect(after, now)

    def _remove(self, *jobs: TrackedJob) -> None:
        for tracked in jobs:
            self.counters.add_job(tracked, leaves=True)
            job_id = tracked.job.id
            del self._jobs[job_id], self.job_views[job_id]
            self.departures.forget(job_id)
            self.recent.forget(job_id)
            self.totals.replace(tracked, None)
            self.history.job_left(job_id, tracked)
        if jobs:
            # Only once: ranking all jobs for each job that leaves would take seconds.
            self._ranks_changed()

    def _rank(self, tracked: TrackedJob) -> tuple[bool, int, float, str]:
        # Jobs whose series are withdrawn must not hide others.
        is_withdrawn = tracked.final is None and tracked.job.api_version in self._withdrawn
        return is_withdrawn, *rank(tracked)

    def _ranks_changed(self) -> None:
        self._most_important = None
        # A job that becomes hidden leaves without a scrape.
        self.departures.waiting_may_leave |= len(self._jobs) > self.rules.max_jobs
