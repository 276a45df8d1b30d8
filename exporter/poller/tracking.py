"""What is known of one project: the owner of its state, around the pure tracker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter import tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import (
        ItemsCounted,
        Job,
        JobNotFound,
        JobRefreshed,
        Listing,
        ProjectView,
        Steps,
    )
    from exporter.poller.reports import Reports
    from exporter.tracker import DueJobs, Event, ProjectState, TrackerRules


class Tracking:
    """Takes in observations, reports what they tell, and publishes the project as a whole.

    ``changed`` is set when there is something new to publish.
    """

    def __init__(
        self,
        rules: TrackerRules,
        *,
        reports: Reports,
        publish_view: Callable[[ProjectView], Steps[None]],
        clock: Callable[[], float],
    ) -> None:
        self._rules = rules
        self._reports = reports
        self._publish_view = publish_view
        self._clock = clock
        self._state = tracker.initial_state(rules)
        self._last_view: ProjectView | None = None
        self.changed = asyncio.Event()

    def listed(self, listing: Listing) -> Steps[None]:
        """Take in a listing, seen whole at the first of these steps."""
        for transition in tracker.taking_in(listing, self._rules, self._clock()):
            self._take(*transition(self._state))
            yield
        self._reports.listed(listing, truncated=bool(self._state.listing_truncated))

    def refreshed(self, answer: JobRefreshed) -> None:
        """Take in a job's status."""
        self._take(*tracker.refreshed(self._state, answer, self._clock()))

    def not_found(self, answer: JobNotFound) -> None:
        """Take in that LlamaCloud does not know a job."""
        self._take(*tracker.not_found(self._state, answer, self._clock()))

    def counted(self, answer: ItemsCounted) -> None:
        """Take in a count of a job's items."""
        self._take(*tracker.counted(self._state, answer, self._clock()))

    def uncountable(self, job_id: str, asked_monotonic: float) -> None:
        """Take in that a job has too many items to count."""
        self._take(tracker.uncountable(self._state, job_id, asked_monotonic), ())

    def scraped(self, generation: int) -> None:
        """Take in that a complete scrape showed the view of ``generation``."""
        self._state = tracker.scraped(self._state, generation, self._rules)

    def due(self) -> DueJobs:
        """List the jobs to refresh."""
        return tracker.due_for_refresh(self._state, self._rules, self._clock())

    def is_due(self, job_id: str) -> bool:
        """Tell whether a job is still to be refreshed."""
        return tracker.is_due(self._state, job_id, self._rules)

    def is_listed(self, job_id: str) -> bool:
        """Tell whether the last listing showed a job."""
        return tracker.is_listed(self._state, job_id)

    def wants_status(self, job_id: str) -> bool:
        """Tell whether a job's status is still to be asked for."""
        return tracker.wants_status(self._state, job_id)

    def to_count(self, job_id: str, *, if_urgent: bool) -> Job | None:
        """Return a job's newest record if its items are to be counted, now or ``if_urgent``."""
        now = self._clock()
        wanted = tracker.wants_count(self._state, job_id, self._rules, now)
        if wanted and if_urgent:
            wanted = not tracker.count_can_wait(self._state, job_id, now)
        return self._state.jobs[job_id].job if wanted else None

    def job(self, job_id: str) -> Job | None:
        """Return a job's newest record."""
        tracked = self._state.jobs.get(job_id)
        return None if tracked is None else tracked.job

    def news_since(self) -> float | None:
        """Return the Unix time before which a listing in order has no news."""
        return tracker.news_since(self._state)

    def publish(self) -> Steps[None]:
        """Publish what is known at the first of these steps."""
        self.changed.clear()
        self._state, view_in_steps = tracker.publish(self._state, self._rules, self._clock())
        yield from self._publish((yield from view_in_steps))

    def publish_if_changed(self) -> Steps[None]:
        """Publish what time alone has changed, unless an answer comes: then all is published."""
        before, last = self._state, self._last_view
        state, view_in_steps = tracker.publish(before, self._rules, self._clock())
        view = yield from view_in_steps
        changed = last is None or replace(view, generation=last.generation) != last
        if changed and self._state is before:
            self._state = state
            yield from self._publish(view)

    def _publish(self, view: ProjectView) -> Steps[None]:
        if self._last_view and self._last_view.gauges and not view.gauges:
            self._reports.stale(self._rules.stale_after)
        self._last_view = view
        yield from self._publish_view(view)

    def _take(self, state: ProjectState, events: tuple[Event, ...]) -> None:
        self._state = state
        self._reports.events(events)
        self.changed.set()
