"""Which failures of listings and refreshes are news, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.core.events import (
    ListingFailed,
    ListingSucceeded,
    PollFinished,
    ProjectStale,
    RefreshFailed,
    RefreshRecovered,
)
from exporter.domain import JobStatus
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, job
from tests.support.virtual_time import Polling

if TYPE_CHECKING:
    from exporter.domain import Failure

INTERVAL = 30.0
FAILED, WELL = "failed", "recovered"
CLEAN = 10
NETWORK, TIMEOUT = failure("network"), failure("timeout")


def told(*listings: Failure | None) -> list[tuple[int, str]]:
    """Return which listings are reported; ``None`` stands for one that succeeds."""
    project = Polling(stale_after=float("inf"))
    project.cloud.next_listings.extend(listings)
    project.run_until(len(listings) * INTERVAL - 1)
    lines = []
    for at, event in project.events:
        number = int(at // INTERVAL)
        if isinstance(event, ListingFailed) and event.is_new:
            lines.append((number, FAILED))
        elif isinstance(event, ListingSucceeded) and event.recovered:
            lines.append((number, WELL))
    return lines


def names(project: Polling, *kinds: type[Any]) -> list[str]:
    """Return the names of the reported events of some kinds, in order."""
    events = (event for _, event in project.events if isinstance(event, kinds))
    return [
        type(event).__name__
        for event in events
        if getattr(event, "is_new", True) and getattr(event, "recovered", True)
    ]


class TestListing:
    """A project that cannot be listed."""

    def test_the_first_failure_and_the_first_success_after_it_are_reported_at_once(self) -> None:
        """A lasting failure is reported once."""
        assert [(1, FAILED), (4, WELL)] == told(None, *[NETWORK] * 3, None, None)

    def test_trouble_that_comes_back_soon_is_over_when_it_stays_away(self) -> None:
        """The log never says last that all is well while it is not."""
        lines = told(*[NETWORK, None] * 1000, *[None] * CLEAN)
        assert [(0, FAILED), (1, WELL), (2, FAILED), (1999 + CLEAN - 1, WELL)] == lines

    def test_trouble_that_comes_back_late_is_new(self) -> None:
        """Its end is reported at once again."""
        before = [*[NETWORK, None] * 3, *[None] * CLEAN]
        lines = told(*before, NETWORK, None)
        assert [(len(before), FAILED), (len(before) + 1, WELL)] == lines[-2:]

    def test_a_new_reason_is_reported_at_once_and_its_end_too(self) -> None:
        """Also soon after another; in trouble that comes and goes its end waits for that of all."""
        assert [(0, FAILED), (1, WELL), (2, FAILED), (3, WELL)] == told(
            NETWORK, None, TIMEOUT, None
        )
        assert [(0, FAILED), (1, WELL), (2, FAILED), (4, FAILED)] == told(
            *[NETWORK, None] * 2, TIMEOUT, None
        )

    def test_reasons_that_alternate_are_reported_once_each(self) -> None:
        """Until a listing succeeds. Later failures are reported, and their end waits."""
        outage = [failure("payment_required"), failure("forbidden")] * 3
        assert [(1, FAILED), (2, FAILED), (7, WELL), (8, FAILED), (9, FAILED)] == told(
            None, *outage, None, *outage, None
        )

    def test_a_success_after_staleness_is_reported_at_once(self) -> None:
        """Staleness was reported, so its end is reported too."""
        project = Polling(job(), stale_after=100.0)
        project.cloud.next_listings.extend([NETWORK, None] * 3 + [NETWORK] * 6)
        project.run_until(20 * INTERVAL)
        assert ["ProjectStale", "ListingSucceeded"] == names(
            project, ProjectStale, ListingSucceeded
        )[-2:]

    @pytest.mark.parametrize("fails", [True, False])
    def test_a_stale_project_reports_whether_its_listings_fail(self, *, fails: bool) -> None:
        """If listings only take too long, there is no failure."""
        project = Polling(job(), stale_after=100.0)
        project.run_until(29)
        if fails:
            project.cloud.failing["list"] = NETWORK
        else:
            project.cloud.seconds["list"] = 150.0
        project.run_until(HOUR)
        stale = project.events_of(ProjectStale)
        assert {ProjectStale(100.0, listing_fails=fails)} == set(stale)


class TestRefreshing:
    """Jobs that cannot be refreshed."""

    def test_a_job_that_fails_now_and_then_is_reported_once(self) -> None:
        """Its recovery is reported after ten clean polls. Every poll is counted."""
        project = Polling(job())
        for poll in range(1, 8, 2):
            project.at(poll * INTERVAL, lambda: project.cloud.failing.update(status=TIMEOUT))
            project.at((poll + 1) * INTERVAL, project.cloud.failing.clear)
        project.run_until(HOUR)
        assert [RefreshFailed("job-1", TIMEOUT)] == project.events_of(RefreshFailed)
        (recovered_at,) = (at for at, e in project.events if isinstance(e, RefreshRecovered))
        assert 7 + CLEAN == recovered_at // INTERVAL
        assert 4 == [poll.result for poll in project.events_of(PollFinished)].count("partial")

    def test_many_jobs_that_fail_for_one_reason_are_reported_once(self) -> None:
        """Another reason is reported separately."""
        project = Polling(*(job(f"job-{number}") for number in range(20)))
        project.cloud.failing |= {"status": NETWORK, "status job-7": TIMEOUT}
        project.run_until(HOUR)
        assert {NETWORK, TIMEOUT} == {event.failure for event in project.events_of(RefreshFailed)}
        assert 2 == len(project.events_of(RefreshFailed))

    def test_trouble_ends_with_the_last_job_that_had_it(self) -> None:
        """A job that has left is no longer requested."""
        project = Polling(job(), min_scrapes=0, retention_failed=HOUR)
        project.cloud.failing["status"] = TIMEOUT
        project.run_until(10)
        project.cloud.change("job-1", status=JobStatus.COMPLETED, completed_at=EPOCH + 10)
        project.run_until(HOUR)
        assert [] == project.events_of(RefreshRecovered)
        project.run_until(HOUR + (CLEAN + 3) * INTERVAL)
        assert [RefreshRecovered(TIMEOUT.reason)] == project.events_of(RefreshRecovered)

    def test_recovery_means_that_the_job_was_refreshed_not_that_there_was_no_request(self) -> None:
        """Polls without a listing do not count as clean."""
        project = Polling(job())
        project.run_until(29)
        project.cloud.failing["status"] = TIMEOUT
        project.run_until(89)
        project.cloud.failing["list"] = failure()
        project.run_until(HOUR)
        project.cloud.failing.clear()
        project.run_until(HOUR + 5 * INTERVAL)
        project.cloud.failing["list"] = failure()
        project.run_until(2 * HOUR)
        project.cloud.failing.clear()
        project.run_until(2 * HOUR + (CLEAN - 6) * INTERVAL)
        assert [] == project.events_of(RefreshRecovered)
        project.run_until(2 * HOUR + (CLEAN - 4) * INTERVAL)
        assert [
            *["RefreshFailed", "ListingFailed", "ProjectStale", "ListingSucceeded"],
            *["ListingFailed", "ProjectStale", "ListingSucceeded", "RefreshRecovered"],
        ] == names(
            project, RefreshFailed, ListingFailed, ProjectStale, ListingSucceeded, RefreshRecovered
        )
