"""A generation of the API in which nothing happens: it is listed less often."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from exporter.core.actions import ListJobs, WaitUntil
from exporter.core.events import ApiSetAside, ListingFailed
from exporter.core.observations import Listed
from exporter.core.project import ProjectCore
from exporter.domain import Job, JobStatus
from tests.core.fake_cloud import FakeCloud, Request, failure
from tests.support.history import EPOCH, HOUR, RULES, job

INTERVAL = 30.0
BOTH = ("v1beta", "v2")


def old_job(job_id: str) -> Job:
    """Describe a job that ended two hours before the start."""
    ended: dict[str, Any] = {"status": JobStatus.COMPLETED, "completed_at": EPOCH - 2 * HOUR}
    return job(job_id, **ended, created_at=EPOCH - 3 * HOUR, updated_at=EPOCH - 2 * HOUR)


class LateListings:
    """Lists a project, for which the budget leaves time ``late`` seconds after each is due."""

    def __init__(self, beta: Job, batch: Job, *, late: float = 20.0) -> None:
        self.core = ProjectCore(replace(RULES, api_versions=BOTH), 0.0)
        self.clouds = {version: FakeCloud(api_version=version) for version in BOTH}
        self.clouds["v1beta"].add(beta)
        self.clouds["v2"].add(batch)
        self.at: dict[str, list[float]] = {"v1beta": [], "v2": []}
        self.listings: list[float] = []
        self.events: list[Any] = []
        self._late, self._now = late, 0.0

    def run_until(self, moment: float) -> None:
        """Run the core until a moment."""
        while self._now <= moment:
            action = self.core.next_action(self._now, may_refresh=False)
            if isinstance(action, WaitUntil):
                self._now = action.moment + self._late
                continue
            assert isinstance(action, ListJobs)
            self.listings.append(self._now)
            request = Request(self._now, action)
            for version in action.plans:
                self.at[version].append(self._now)
            answers = {v: self.clouds[v].answer(request, EPOCH + self._now) for v in action.plans}
            for part in Listed.parts(action, answers):
                self.events += self.core.receive(part, self._now)

    def since(self, api_version: str, moment: float) -> list[float]:
        """Return when a generation was listed since a moment."""
        return [at for at in self.at[api_version] if at >= moment]


def gaps(moments: list[float]) -> set[float]:
    """Return the seconds between each moment and the next."""
    return {later - earlier for earlier, later in pairwise(moments)}


def test_it_is_listed_less_often_while_listings_are_late() -> None:
    """The other one is listed each time. It rests for half of what makes it stale."""
    project = LateListings(job("beta"), old_job("batch"))
    project.run_until(2 * HOUR)
    assert project.listings == project.at["v1beta"]
    assert {INTERVAL} == gaps(project.at["v1beta"][1:])
    assert {RULES.stale_after / 2} == gaps(project.at["v2"][1:])


def test_it_is_listed_each_time_while_listings_are_on_time() -> None:
    """Nothing is won by waiting."""
    project = LateListings(job("beta"), old_job("batch"), late=10.0)
    project.run_until(HOUR)
    assert project.at["v1beta"] == project.at["v2"] == project.listings


def test_what_begins_in_it_is_seen_and_followed_until_an_hour_after_its_end() -> None:
    """It is no longer idle."""
    project = LateListings(job("beta"), old_job("batch"))
    project.run_until(HOUR)
    project.clouds["v2"].add(job("new", created_at=EPOCH + HOUR, updated_at=EPOCH + HOUR))
    project.run_until(HOUR + 150)
    assert "new" in {view.job_id for view in project.core.view(HOUR + 150).jobs}
    project.run_until(2 * HOUR)
    end = EPOCH + 2 * HOUR
    ended: dict[str, Any] = {"status": JobStatus.COMPLETED, "completed_at": end}
    project.clouds["v2"].change("new", **ended, updated_at=end)
    project.run_until(3 * HOUR)
    assert project.since("v1beta", HOUR + 150) == project.since("v2", HOUR + 150)
    project.run_until(4 * HOUR)
    assert {RULES.stale_after / 2} == gaps(project.since("v2", 3 * HOUR + 200))


def test_of_two_that_are_idle_one_is_listed_each_time() -> None:
    """The project stays listed."""
    project = LateListings(old_job("beta"), old_job("batch"))
    project.run_until(2 * HOUR)
    assert {INTERVAL} == gaps(project.listings[1:])
    assert {2 * INTERVAL} == gaps(project.at["v1beta"][2:]) == gaps(project.at["v2"][2:])


def test_it_is_requested_once_the_other_one_fails() -> None:
    """That one may no longer be offered."""
    project = LateListings(job("beta"), old_job("batch"))
    project.run_until(HOUR)
    project.clouds["v1beta"].failing["list"] = failure("not_found", is_refusal=True)
    project.run_until(HOUR + 3 * INTERVAL)
    assert 1 == sum(isinstance(event, ListingFailed) for event in project.events)
    (aside,) = (event for event in project.events if isinstance(event, ApiSetAside))
    assert "v1beta" == aside.api_version
