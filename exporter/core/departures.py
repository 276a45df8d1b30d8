"""When ended jobs leave: after their retention, once scrapes have shown their final state."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from exporter.core.retention import is_longest_over, is_time_over, next_change_after

if TYPE_CHECKING:
    from exporter.core.job_table import JobTable
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import JobView, ProjectView


class Departures:
    """Owns which views of a table's ended jobs scrapes have shown, and when each is checked next.

    A job is checked when time alone may let it leave. Those that only wait for scrapes are checked
    once ``waiting_may_leave`` is set.
    """

    def __init__(self, table: JobTable) -> None:
        self.waiting_may_leave = False
        self._table = table
        self._waiting: set[str] = set()
        self._heap: list[tuple[float, str]] = []
        self._moments: dict[str, float] = {}
        self._scraped_views: tuple[int, ...] = ()
        # The view of each ended job that scrapes show, and the first project view that has it.
        self._shown_since: dict[str, tuple[JobView, int]] = {}

    def scraped(self, view_number: int) -> None:
        """Record that a complete scrape showed the project view with this number."""
        newest = sorted((*self._scraped_views, view_number), reverse=True)
        scraped = tuple(newest[: self._table.rules.min_scrapes])
        self.waiting_may_leave |= scraped != self._scraped_views
        self._scraped_views = scraped

    def published(self, view: ProjectView) -> None:
        """Record which views of ended jobs scrapes show from now on."""
        for job in view.jobs:
            tracked = self._table.get(job.job_id)
            if tracked is None or tracked.final is None:
                continue
            if job != self._shown_since.get(job.job_id, (None,))[0]:
                self._shown_since[job.job_id] = job, view.number
                # Scrapes may show a view before it is known to be published.
                self.waiting_may_leave = True

    def expect(self, tracked: TrackedJob, now: float) -> None:
        """Check an ended job when time, or a scrape, may next let it leave."""
        job_id, rules = tracked.job.id, self._table.rules
        if is_time_over(tracked, rules, now):
            self._waiting.add(job_id)
            self.waiting_may_leave |= self._leaves(tracked, now)
        else:
            self._waiting.discard(job_id)
        moment = next_change_after(tracked, rules, now)
        if moment < float("inf") and self._moments.get(job_id) != moment:
            self._moments[job_id] = moment
            heappush(self._heap, (moment, job_id))

    def forget(self, job_id: str) -> None:
        """Forget a job that is active again, or has left."""
        self._waiting.discard(job_id)
        self._moments.pop(job_id, None)
        self._shown_since.pop(job_id, None)

    def leaving(self, now: float) -> list[TrackedJob]:
        """Return the jobs that leave at the monotonic moment ``now``."""
        leaving = []
        for job_id in self._due(now):
            tracked = self._table.get(job_id)
            if tracked is None:
                continue
            if self._leaves(tracked, now):
                leaving.append(tracked)
            else:
                self.expect(tracked, now)
        return leaving

    def _due(self, now: float) -> list[str]:
        due = {}
        while self._heap and self._heap[0][0] <= now:
            moment, job_id = heappop(self._heap)
            if self._moments.get(job_id) == moment:
                del self._moments[job_id]
                due[job_id] = True
        if self.waiting_may_leave:
            self.waiting_may_leave = False
            due.update(dict.fromkeys(self._waiting, True))
        return list(due)

    def _leaves(self, tracked: TrackedJob, now: float) -> bool:
        job_id, rules = tracked.job.id, self._table.rules
        if not is_time_over(tracked, rules, now):
            return False
        if rules.min_scrapes == 0 or is_longest_over(tracked, rules, now):
            return True
        if job_id not in self._table.shown():
            return True
        view, shown_since = self._shown_since.get(job_id, (None, 0))
        if view != self._table.job_views[job_id]:
            return False
        # A reload may have lowered the number since.
        scraped = self._scraped_views[: rules.min_scrapes]
        return len(scraped) == rules.min_scrapes and min(scraped) >= shown_since
