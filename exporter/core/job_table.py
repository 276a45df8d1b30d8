"""The jobs that a project tracks in this session, and what follows from each change of one."""

from __future__ import annotations

from dataclasses import replace
from heapq import nsmallest
from typing import TYPE_CHECKING

from exporter.core.departures import Departures
from exporter.core.history import History
from exporter.core.recent import Recent
from exporter.core.retention import rank
from exporter.core.totals import Totals
from exporter.core.unread import UnreadJobs
from exporter.core.view import job_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from exporter.core.jobs import TrackedJob
    from exporter.core.rules import Rules
    from exporter.domain import JobView


class JobTable:
    """Owns the tracked jobs; counters, progress, totals and views follow each change.

    ``history`` is durable, all else is of this session. ``job_views`` are those of every job.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.history = History(rules)
        self.totals = Totals(rules.api_versions)
        self.recent = Recent()
        self.unread = UnreadJobs()
        self._jobs: dict[str, TrackedJob] = {}
        self.job_views: dict[str, JobView] = {}
        # The ids of those that are shown where not all are, until their ranks change.
        self._most_important: frozenset[str] | None = None
        self._withdrawn: Collection[str] = ()
        self.departures = Departures(self)

    def replace_rules(self, rules: Rules, now: float) -> None:
        """Decide by other rules, from now on, what is shown of which jobs, and which leave."""
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
    def is_full(self) -> bool:
        """Whether as many jobs are held in memory as may be."""
        return len(self._jobs) + len(self.unread) >= self.rules.max_tracked

    def get(self, job_id: str) -> TrackedJob | None:
        """Return a tracked job, ``None`` if there is none with this id."""
        return self._jobs.get(job_id)

    def add(self, tracked: TrackedJob, seen_at: float, now: float) -> None:
        """Track a job that comes into sight; its marks are in the history."""
        self.history.begin_progress(tracked, seen_at)
        self.recent.note(None, tracked, seen_at)
        self._store(None, tracked, now)

    def restore(self, tracked: TrackedJob, now: float) -> None:
        """Track a job that was tracked before a restart; its marks are in the history."""
        self._store(None, tracked, now)

    def update(
        self, before: TrackedJob, after: TrackedJob, seen_at: float | None, now: float
    ) -> None:
        """Replace a job by what an answer made of it that was given at ``seen_at``, if at all."""
        if seen_at is not None:
            self.history.note_progress(before, after, seen_at)
        self.recent.note(before, after, seen_at)
        self.history.count(after)
        final, enabled = after.final, self.rules.items_enabled
        is_final = final is not None and final.is_complete(items_enabled=enabled)
        self._store(before, replace(after, memory=None) if is_final else after, now)

    def note(self, after: TrackedJob) -> None:
        """Replace a job of which only what is never published has changed."""
        self._jobs[after.job.id] = after

    def views(self, stale: Collection[str]) -> tuple[JobView, ...]:
        """Return the views of the jobs that have series of their own.

        The active ones of generations of the API that are ``stale`` have none.
        """
        # While all are, other jobs do not take their places for as long as that lasts.
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
        """Drop the active jobs of a generation of the API that is no longer offered."""
        self._remove(*(t for t in self if t.job.api_version == api_version and t.final is None))

    def shown(self) -> Collection[str]:
        """Return the jobs that have series of their own: all, or the most important ones."""
        most = self.rules.max_jobs
        if len(self._jobs) <= most:
            return self._jobs.keys()
        if self._most_important is None:
            ranked = nsmallest(most, map(self._rank, self))
            self._most_important = frozenset(job_id for *_, job_id in ranked)
        return self._most_important

    def let_go(self, now: float) -> None:
        """Drop the ended jobs that leave."""
        self._remove(*self.departures.leaving(now))

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
            self.history.count(tracked, leaves=True)
            job_id = tracked.job.id
            del self._jobs[job_id], self.job_views[job_id]
            self.departures.forget(job_id)
            self.recent.forget(job_id)
            self.totals.replace(tracked, None)
            self.history.job_left(job_id, tracked)
        if jobs:
            # Once: to rank all jobs for each that leaves would take seconds.
            self._ranks_changed()

    def _rank(self, tracked: TrackedJob) -> tuple[bool, int, float, str]:
        # Jobs whose series are withdrawn must not hide others.
        is_withdrawn = tracked.final is None and tracked.job.api_version in self._withdrawn
        return is_withdrawn, *rank(tracked)

    def _ranks_changed(self) -> None:
        self._most_important = None
        # A job that is hidden from now on leaves by time alone.
        self.departures.waiting_may_leave |= len(self._jobs) > self.rules.max_jobs
