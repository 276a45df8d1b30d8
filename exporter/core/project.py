"""One project: the next action, and the changes that each answer makes. No I/O and no clock.

Moments called ``now`` or ``..._monotonic`` are seconds of the caller's monotonic clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.actions import CountItems, FetchStatus, WaitUntil
from exporter.core.job_table import JobTable
from exporter.core.listed_parts import ListedParts
from exporter.core.listings import Listings
from exporter.core.observations import (
    Abandoned,
    Failed,
    KeyChanged,
    Listed,
    Refreshed,
    Scraped,
    Shown,
    TimePassed,
)
from exporter.core.poll import Poll
from exporter.core.refresh_update import RefreshUpdate
from exporter.core.refreshes import Refreshes
from exporter.core.view import project_status, project_view
from exporter.domain import ErrorReason, JobNotFound, JobRefreshed, NotCounted, UncountedReason

if TYPE_CHECKING:
    from exporter.core.actions import Action, RefreshJob
    from exporter.core.events import Event
    from exporter.core.observations import Observation
    from exporter.core.rules import Rules
    from exporter.domain import Failure, ProjectStatus, ProjectView


class ProjectCore:
    """Decides what to request next, and owns everything known of one project.

    Each action that ``next_action`` returns is under way until its observation is received: at most
    one listing at a time, and one refresh of each job. ``table`` holds what a restart keeps.
    ``view_number`` is that of the view published last.
    """

    def __init__(self, rules: Rules, now: float) -> None:
        self.table = JobTable(rules)
        self.listings = Listings(self.table, now)
        self._listed_parts = ListedParts(self.table, self.listings)
        self._refreshes = Refreshes(self.table, self.listings.generations)
        self._poll = Poll()
        self._first_poll_is_over = False
        self.view_number = 0
        self.is_published_fresh = False
        self._events: list[Event] = []

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.table.rules

    def change_rules(self, rules: Rules, now: float) -> None:
        """Apply other rules from now on, with the same project, filters and API generations."""
        self.table.replace_rules(rules, now)
        self.listings.rules_changed(now)

    def next_action(
        self,
        now: float,
        is_throttling: bool = False,  # noqa: FBT001, FBT002 - the name says it at each call
        *,
        may_list: bool = True,
        may_refresh: bool = True,
    ) -> Action:
        """Return what to do now: a listing, a step of a refresh, or a wait.

        ``is_throttling`` is true if requests wait because the budget is used up.
        """
        self.table.drop_leaving(now)
        if may_list and now >= self.listings.next_at:
            # The poll began when it was due; its listing may have waited for the budget.
            self._finish_poll(self.listings.next_at)
            self._poll.begin(self.listings.next_at)
            return self.listings.begin(now, is_throttling=is_throttling)
        if may_refresh and (refresh := self._refreshes.next(now)) is not None:
            return refresh
        self._finish_poll_if_drained(now)
        return WaitUntil(self.listings.next_at if may_list else float("inf"))

    def receive(self, observation: Observation, now: float) -> tuple[Event, ...]:
        """Apply an observation, and return the events since the last one."""
        self.table.drop_leaving(now)
        self._apply(observation, now)
        self.table.drop_leaving(now)
        self._finish_poll_if_drained(now)
        self._events += self.table.counters.pop_given_up()
        events, self._events = tuple(self._events), []
        return events

    def poll_is_over(self, now: float) -> bool:
        """Return whether the first poll is over: all is refreshed, or the next listing is due."""
        is_next_due = self.listings.was_tried and now >= self.listings.next_at
        return self._first_poll_is_over or is_next_due

    def view(self, now: float) -> ProjectView:
        """Return what to publish of the project at the monotonic moment ``now``."""
        return project_view(self.table, self.listings, self.view_number + 1, now)

    def status(self, now: float) -> ProjectStatus:
        """Return the status of the project, for status pages."""
        return project_status(self.table, self.listings, self._refreshes.waiting, now)

    def _apply(self, observation: Observation, now: float) -> None:
        match observation:
            case Listed(action) if not self.listings.has_failed(action):
                self._listed(observation, now)
            case Refreshed(action, JobNotFound(job_id) as answer) if self._may_exist(job_id):
                self._refresh_failed(action, answer.failure, now)
            case Refreshed():
                self._refreshed(observation, now)
            case Failed(action, failure):
                self._refresh_failed(action, failure, now)
            case Abandoned(FetchStatus() | CountItems() as action):
                self._refreshes.abandoned(action.job.id)
            case Abandoned() if not self._poll.is_listed:
                self.listings.abandoned()
                self._poll = Poll()
            case _:
                self._note(observation, now)

    def _note(self, observation: Observation, now: float) -> None:
        match observation:
            case KeyChanged():
                self.listings.key_changed(now)
            case TimePassed():
                self.listings.drop_expired(now)
            case Shown(view):
                self._published(view)
            case Scraped(view_number):
                self.table.departures.scraped(view_number)

    def _refresh_failed(self, action: RefreshJob, failure: Failure, now: float) -> None:
        self._poll.failed(failure.reason)
        self._events += self._refreshes.failed(action, failure, now)

    def _may_exist(self, job_id: str) -> bool:
        """Return whether a job may exist despite a 404: it is listed, or its API is set aside."""
        tracked = self.table.get(job_id)
        if tracked is None:
            return False
        is_offered = self.listings.generations.is_offered(tracked.job.api_version)
        return not is_offered or tracked.last_listed >= self.listings.number

    def _listed(self, observation: Listed, now: float) -> None:
        failure = self.listings.generations.why_failed(observation.outcomes, self.table.history)
        if failure is not None:
            self._poll.failed(failure.reason)
            self._events.append(self.listings.failed(observation.action, failure, now))
            self._refreshes.pause()
            self._finish_poll(now)
            return
        self._events += self._listed_parts.apply(observation, now)
        if observation.is_last:
            self._poll.is_listed = True
            if any(listing.rows_left_out for listing in observation.listings.values()):
                self._poll.failed(ErrorReason.BAD_RESPONSE)
            self._refreshes.begin_poll(is_throttling=observation.action.is_throttling)

    def _refreshed(self, observation: Refreshed, now: float) -> None:
        answer, job_id = observation.answer, observation.action.job.id
        update = RefreshUpdate(self.table, number=self.listings.number, now=now)
        if isinstance(answer, NotCounted) and answer.reason is UncountedReason.UNREADABLE_ITEMS:
            self._poll.failed(ErrorReason.BAD_RESPONSE)
        if (before := self.table.get(job_id)) is not None:
            tracked = update.apply(before, observation)
            self._refreshes.answered(tracked, now, is_status=isinstance(answer, JobRefreshed))
        elif self.table.unread.get(job_id) is not None:
            update.apply_unread(observation)
        else:
            self._refreshes.done(job_id)
        self._events += update.events

    def _published(self, view: ProjectView) -> None:
        self.view_number = view.number
        self.table.departures.published(view)
        if self.is_published_fresh and view.gauges is None:
            self._events.append(self.listings.stale_published())
        self.is_published_fresh = view.gauges is not None

    def _finish_poll_if_drained(self, now: float) -> None:
        if self._poll.is_listed and not self._poll.is_over and self._refreshes.is_drained(now):
            self._finish_poll(now)

    def _finish_poll(self, now: float) -> None:
        if (finished := self._poll.finish(now)) is None:
            return
        self._first_poll_is_over = True
        self._events.append(finished)
        if self.listings.failure is None:
            self._events += self._refreshes.poll_finished()
