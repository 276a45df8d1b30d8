"""What is published, when, and how old it may be, in virtual time."""

from dataclasses import replace
from itertools import pairwise

from exporter.core.actions import FetchStatus
from exporter.core.events import JobAppeared, JobEnded, ProjectStale
from exporter.core.observations import Refreshed, Shown
from exporter.core.project import ProjectCore
from exporter.domain import ItemStatus, JobRefreshed, JobStatus, JobType
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, RULES, counts, job
from tests.support.virtual_time import Polling, list_now

INTERVAL = 30.0


class TestPublication:
    """What scrapes show is what is known, and is not replaced without need."""

    def test_before_the_first_listing_there_are_counters_only(self) -> None:
        """They start at zero."""
        project = Polling(job())
        project.cloud.seconds["list"] = 100.0
        project.run_until(90)
        (view,) = project.views
        assert (None, (), None) == (view.gauges, view.jobs, view.last_listing_at)
        assert {0} == set(view.counters.jobs_finished.values())

    def test_where_nothing_changes_nothing_is_published_anew(self) -> None:
        """Readers of one moment share its bytes."""
        project = Polling(job(), interval=HOUR, stale_after=3 * HOUR)
        project.run_until(HOUR - 1)
        # One after the listing, and one after the refresh.
        assert len(project.views) == 2

    def test_a_view_is_published_at_most_once_a_second(self) -> None:
        """Each is numbered, and differs from the one before."""
        project = Polling(*(job(f"job-{number}") for number in range(100)), slots=1)
        moments: list[float] = []
        project.change(interval=5.0)
        for tenth in range(300):
            project.run_until(tenth / 10)
            moments += [project.now] * (len(project.views) - len(moments))
        assert len(moments) > 20
        assert min(later - earlier for earlier, later in pairwise(moments)) > 0.85
        assert [view.number for view in project.views] == list(range(1, len(project.views) + 1))
        for earlier, later in pairwise(project.views):
            assert replace(later, number=earlier.number) != earlier

    def test_an_answer_that_comes_during_a_publication_is_not_lost(self) -> None:
        """The next view shows it."""
        core = ProjectCore(RULES, 0.0)
        list_now(core, 0.0, job())
        action = core.next_action(0.0, may_list=False)
        assert isinstance(action, FetchStatus)
        view = core.view(1.0)
        ended = job(status=JobStatus.FAILED)
        core.receive(Refreshed(action, JobRefreshed(ended, 0.5, 0.0, EPOCH + 1), None), 1.0)
        core.receive(Shown(view), 1.5)
        later = core.view(2.0)
        assert [JobStatus.FAILED] == [shown.status for shown in later.jobs]
        assert view.number < later.number

    def test_a_jobs_numbers_are_published(self) -> None:
        """They come from its row, its status and its items."""
        project = Polling(job(processed_items=7, failed_items=1))
        project.cloud.progress["job-1"] = 0.7
        project.cloud.items["job-1"] = counts(completed=6, failed=1, pending=3)
        project.run_until(INTERVAL - 1)
        shown = project.job()
        assert (10, 7, 1, 0, 0.7) == (
            *(shown.total_items, shown.processed_items, shown.failed_items, shown.skipped_items),
            shown.progress_ratio,
        )
        assert counts(completed=6, failed=1, pending=3).by_status == shown.items

    def test_a_job_that_lived_between_two_listings_is_counted(self) -> None:
        """Short jobs are not missed, nor are their failures."""
        project = Polling()
        project.run_until(40)
        at = EPOCH + project.now
        project.cloud.add(job(status=JobStatus.COMPLETED, created_at=at, completed_at=at))
        project.cloud.items["job-1"] = counts(completed=8, failed=2)
        project.run_until(2 * INTERVAL + 2)
        counters = project.view().counters
        assert 1 == counters.jobs_finished[JobType.PARSE, JobStatus.COMPLETED]
        assert 2 == counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
        assert ([], 1) == (project.events_of(JobAppeared), len(project.events_of(JobEnded)))


class TestStaleness:
    """A project that was not listed for too long."""

    def test_a_failed_listing_keeps_the_last_data_until_the_project_is_stale(self) -> None:
        """Nothing is refreshed meanwhile; then active jobs are withdrawn, and return at once."""
        project = Polling(job())
        project.run_until(29)
        project.cloud.failing["list"] = failure()
        project.run_until(300)
        assert project.job().items is not None
        assert project.view().gauges
        project.run_until(310)
        assert ((), None) == (project.view().jobs, project.view().gauges)
        assert [] == project.requests_of("status", "items", since=29)
        project.run_until(5 * HOUR - 1)
        assert 1 == len(project.events_of(ProjectStale))
        project.cloud.failing.clear()
        project.run_until(5 * HOUR + 2)
        assert JobStatus.RUNNING is project.job().status
        assert project.view().gauges

    def test_time_alone_makes_a_project_stale(self) -> None:
        """Also where nothing answers at all; it is noticed within seconds."""
        project = Polling(job(), stale_after=100.0)
        project.run_until(29)
        project.cloud.seconds["list"] = HOUR
        project.run_until(100)
        assert project.view().gauges
        project.run_until(106)
        assert project.view().gauges is None
        assert project.core.status(project.now).is_stale
        assert 1 == len(project.events_of(ProjectStale))

    def test_ended_jobs_and_counters_stay_while_a_project_is_stale(self) -> None:
        """They are as true as before."""
        at = EPOCH + 10
        project = Polling(
            job(),
            job("ended", status=JobStatus.FAILED, created_at=at, completed_at=at),
        )
        project.run_until(29)
        project.cloud.failing["list"] = failure()
        project.run_until(HOUR)
        assert ["ended"] == [shown.job_id for shown in project.view().jobs]
        assert 1 == project.view().counters.jobs_finished[JobType.PARSE, JobStatus.FAILED]

    def test_going_stale_again_is_reported_again(self) -> None:
        """Each time series vanish."""
        project = Polling(job(), stale_after=100.0)
        for outage in range(3):
            project.at(outage * HOUR + 29, lambda: project.cloud.failing.update(list=failure()))
            project.at(outage * HOUR + 1000, project.cloud.failing.clear)
        project.run_until(3 * HOUR)
        assert 3 == len(project.events_of(ProjectStale))

    def test_a_project_that_was_never_listed_does_not_go_stale(self) -> None:
        """It has no series that could vanish."""
        project = Polling(job())
        project.cloud.failing["list"] = failure()
        project.run_until(HOUR)
        assert [] == project.events_of(ProjectStale)


class TestOrder:
    """Answers in another order than their requests."""

    def test_a_status_never_overwrites_a_listing_that_was_requested_later(self) -> None:
        """The next status may."""
        project = Polling(job())
        project.cloud.seconds["status"] = 40.0
        project.run_until(10)
        project.cloud.change("job-1", failed_items=5)
        project.run_until(32)
        assert 5 == project.job().failed_items
        project.run_until(45)
        assert 0.5 == project.job().progress_ratio
        assert 5 == project.job().failed_items

    def test_a_listing_never_overwrites_a_status_that_was_requested_later(self) -> None:
        """Here the status was waited for, behind another one."""
        project = Polling(job("a"), job("b"), slots=1, items_enabled=False)
        project.cloud.seconds["status a"] = 31.0
        project.run_until(1)
        project.cloud.seconds["list"] = 10.0
        project.run_until(30.5)
        project.cloud.change("b", failed_items=5)
        project.run_until(33)
        assert ["a", "b"] == [request.job_id for request in project.requests_of("status")]
        assert 5 == project.job("b").failed_items
        project.run_until(45)
        assert EPOCH + 40 == project.view().last_listing_at
        assert 5 == project.job("b").failed_items
