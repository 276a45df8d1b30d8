"""A project that is polled in virtual time: days pass in milliseconds."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.core.actions import ListJobs, WaitUntil
from exporter.core.observations import (
    Failed,
    Listed,
    Refreshed,
    Scraped,
    Shown,
    TimePassed,
)
from exporter.core.project import ProjectCore
from exporter.core.saved import restore, saved_project
from exporter.domain import Failure, Listing
from tests.core.fake_cloud import FakeCloud, Request
from tests.support.history import EPOCH, RULES
from tests.support.saved_state import reread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.core.actions import RefreshJob
    from exporter.core.events import Event
    from exporter.core.observations import Observation
    from exporter.domain import Job, JobView, ProjectView

_PUBLISH_EVERY_SECONDS = 1.0

AnEvent = TypeVar("AnEvent")


def list_now(core: ProjectCore, now: float, *jobs: Job, is_throttling: bool = False) -> list[Event]:
    """Apply a listing to a core, with an answer at once."""
    action = core.next_action(now, is_throttling, may_refresh=False)
    assert isinstance(action, ListJobs)
    listing = Listing(jobs, action.began, EPOCH + now, EPOCH + now)
    return [
        e for part in Listed.parts(action, {"v1beta": listing}) for e in core.receive(part, now)
    ]


class Polling:
    """A poller and its budget in virtual time; ``now`` is seconds since the start.

    Slot 0 lists, the others refresh. A slot waits for a permit before it calls the core. ``clouds``
    holds the answers of each generation of the API; ``cloud`` is the first one, which holds
    ``jobs``. ``check_every`` is the interval at which changes that only time causes are checked.
    """

    def __init__(
        self,
        *jobs: Job,
        slots: int = 4,
        requests_per_minute: float = math.inf,
        check_every: float = 5.0,
        **rules: Any,
    ) -> None:
        self.now = 0.0
        self.core = ProjectCore(replace(RULES, **rules), self.now)
        self.clouds = {
            api_version: FakeCloud(api_version=api_version)
            for api_version in self.core.rules.api_versions
        }
        self.cloud.add(*jobs)
        self.requests: list[Request] = []
        self.events: list[tuple[float, Event]] = []
        self.views: list[ProjectView] = []
        self.first_poll_was_over_at: float | None = None
        self._slots = range(slots + 1)
        self._numbers = count()
        self._seconds_per_token = 60 / requests_per_minute
        self._check_every = check_every
        self._begin()

    def _begin(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._next_token_at = self.now
        self._granting_at = -1.0
        self._waiting = deque(self._slots)
        self._idle: set[int] = set()
        self._published_at = -math.inf
        self._will_publish = False
        self.at(self.now, self._grant)
        self.every(self._check_every, self._publish_soon)

    @property
    def cloud(self) -> FakeCloud:
        """The first generation of the API."""
        return self.clouds[self.core.rules.api_versions[0]]

    @cloud.setter
    def cloud(self, cloud: FakeCloud) -> None:
        self.clouds[cloud.api_version] = cloud

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Schedule a call at a moment."""
        heappush(self._heap, (max(moment, self.now), next(self._numbers), act))

    def every(self, seconds: float, act: Callable[[], None]) -> None:
        """Schedule a call at regular intervals."""
        self.at(self.now + seconds, act)
        self.at(self.now + seconds, lambda: self.every(seconds, act))

    def restart(self, *, down_seconds: float = 0.0, **rules: Any) -> None:
        """Continue with the saved state in a new process, perhaps with other rules.

        Requests under way are lost, and so are calls that were scheduled with ``at``.
        """
        saved = reread(saved_project(self.core.table, self.now, EPOCH + self.now))
        self.now += down_seconds
        self.core = ProjectCore(replace(self.core.rules, **rules), self.now)
        restore(self.core.table, saved, self.now, EPOCH + self.now)
        self._begin()

    def run_until(self, moment: float) -> None:
        """Advance time."""
        while self._heap and self._heap[0][0] <= moment:
            self.now, _, act = heappop(self._heap)
            act()
        self.now = moment

    def scrape(self) -> None:
        """Report a scrape of the published view to the core."""
        if self.views:
            self.receive(Scraped(self.views[-1].number))

    def receive(self, observation: Observation) -> None:
        """Apply an observation to the core; changes are published at most once a second."""
        self.events += [(self.now, e) for e in self.core.receive(observation, self.now)]
        self._note_end_of_poll()
        if not isinstance(observation, TimePassed | Shown | Scraped):
            self._publish_soon()

    def change(self, **rules: Any) -> None:
        """Replace some rules, as a reload does."""
        self.core.change_rules(replace(self.core.rules, **rules), self.now)
        self.wake()
        self._publish_soon()

    def wake(self, slots: Iterable[int] | None = None) -> None:
        """Make idle slots request an action again."""
        for slot in self._slots if slots is None else slots:
            if slot in self._idle:
                self._idle.remove(slot)
                self._waiting.append(slot)
        self._grant()

    def view(self) -> ProjectView:
        """Return the published view."""
        return self.views[-1]

    def job(self, job_id: str = "job-1") -> JobView:
        """Return a job of the published view."""
        return {shown.job_id: shown for shown in self.view().jobs}[job_id]

    def requests_of(self, *kinds: str, since: float = 0.0) -> list[Request]:
        """Return the requests of some kinds that were sent since a moment."""
        return [r for r in self.requests if r.kind in kinds and r.moment >= since]

    def events_of(self, kind: type[AnEvent], since: float = 0.0) -> list[AnEvent]:
        """Return the events of one kind since a moment."""
        return [event for at, event in self.events if isinstance(event, kind) and at >= since]

    def _grant(self) -> None:
        while self._waiting and self._next_token_at <= self.now:
            slot = 0 if 0 in self._waiting else self._waiting[0]
            self._waiting.remove(slot)
            self._next_token_at = self.now + self._seconds_per_token
            self._request_action(slot)
        if self._waiting and self._granting_at != self._next_token_at:
            self._granting_at = self._next_token_at
            self.at(self._next_token_at, self._grant)

    def _request_action(self, slot: int) -> None:
        throttling = self._next_token_at > self.now and bool(self._waiting)
        lists = slot == 0
        action = self.core.next_action(self.now, throttling, may_list=lists, may_refresh=not lists)
        self._note_end_of_poll()
        if isinstance(action, WaitUntil):
            self._next_token_at = self.now
            self._idle.add(slot)
            if action.moment < math.inf:
                self.at(action.moment, lambda: self.wake([slot]))
            return
        self._perform(slot, action)

    def _perform(self, slot: int, action: ListJobs | RefreshJob) -> None:
        request = Request(self.now, action)
        self.requests.append(request)
        api_versions = action.plans if isinstance(action, ListJobs) else [action.job.api_version]
        clouds = {api_version: self.clouds[api_version] for api_version in api_versions}
        ends = self.now + max(cloud.takes(request) for cloud in clouds.values())
        answers = {v: cloud.answer(request, EPOCH + ends) for v, cloud in clouds.items()}
        answer = next(iter(answers.values()))
        of_job = answer if isinstance(answer, Failure) else (answer, ends)
        outcome = answers if isinstance(action, ListJobs) else of_job
        self.at(ends, lambda: self._answered(slot, action, outcome))

    def _answered(self, slot: int, action: ListJobs | RefreshJob, outcome: Any) -> None:
        """Return outcomes to the core: one of each generation, a failure, or answer and memory."""
        if isinstance(action, ListJobs):
            for part in Listed.parts(action, outcome):
                self.receive(part)
            self.wake()
        elif isinstance(outcome, Failure):
            self.receive(Failed(action, outcome))
        else:
            self.receive(Refreshed(action, *outcome))
        self._waiting.append(slot)
        self._grant()

    def _publish_soon(self) -> None:
        if not self._will_publish:
            self._will_publish = True
            self.at(self._published_at + _PUBLISH_EVERY_SECONDS, self._publish)

    def _publish(self) -> None:
        self._published_at, self._will_publish = self.now, False
        self.receive(TimePassed())
        view = self.core.view(self.now)
        last = self.views[-1] if self.views else None
        if last is None or replace(view, number=last.number) != last:
            self.views.append(view)
            self.receive(Shown(view))

    def _note_end_of_poll(self) -> None:
        if self.first_poll_was_over_at is None and self.core.poll_is_over(self.now):
            self.first_poll_was_over_at = self.now
