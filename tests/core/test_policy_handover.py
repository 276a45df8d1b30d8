"""A project that another core goes on with: nothing falls, and nothing goes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.core.actions import ListJobs
from exporter.core.handover import go_on_from
from exporter.core.project import ProjectCore
from exporter.domain import ItemStatus, JobStatus, JobType
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, counts, job
from tests.support.virtual_time import Polling

if TYPE_CHECKING:
    from exporter.domain import ProjectView

FAILED = (JobType.PARSE, ItemStatus.FAILED)


def hand_over(project: Polling, **rules: Any) -> None:
    """Have another core go on where nothing is under way, perhaps by other rules."""
    former = project.core
    project.core = ProjectCore(replace(former.rules, **rules), project.now)
    go_on_from(project.core, former, project.now)


def told_of(view: ProjectView) -> ProjectView:
    """Return a view but for its number."""
    return replace(view, number=0)


def polled(*, failed: int = 3, **rules: Any) -> Polling:
    """Return a project with an active job that has failed items, between two polls."""
    project = Polling(job(failed_items=failed), **rules)
    project.cloud.items["job-1"] = counts(failed=failed, processing=10 - failed)
    project.run_until(45)
    return project


def test_what_is_published_stays_as_it_is() -> None:
    """Gauges, jobs, counters and times; only the number of the publication goes up."""
    project = polled()
    before = project.core.view(project.now)
    hand_over(project)
    after = project.core.view(project.now)
    assert told_of(before) == told_of(after)
    assert before.number == after.number
    assert after.gauges is not None


def test_the_project_is_listed_at_once_and_fully() -> None:
    """Filters or the server may be others."""
    project = polled()
    hand_over(project)
    action = project.core.next_action(project.now, may_refresh=False)
    assert isinstance(action, ListJobs)
    assert action.plans["v1beta"].is_full


def test_items_that_fail_later_count_once() -> None:
    """And those before do not again."""
    project = polled()
    counted = project.view().counters.items_finished[FAILED]
    hand_over(project)
    project.cloud.add(job(failed_items=5))
    project.cloud.items["job-1"] = counts(failed=5, processing=5)
    project.wake()
    project.run_until(80)
    assert counted + 2 == project.view().counters.items_finished[FAILED]


def test_jobs_that_are_not_requested_any_more_leave() -> None:
    """What they added stays."""
    project = polled()
    counted = project.view().counters.items_finished
    hand_over(project, job_types=("extract",))
    view = project.core.view(project.now)
    assert ((), counted) == (view.jobs, view.counters.items_finished)


def test_a_generation_that_is_no_longer_read_is_forgotten_and_another_one_added() -> None:
    """Those that stay are known as before."""
    project = polled(api_versions=("v1beta", "v2"))
    hand_over(project, api_versions=("v1beta",))
    assert ["v1beta"] == [api.api_version for api in project.core.view(project.now).apis]
    hand_over(project, api_versions=("v2", "v1beta"))
    v2, v1beta = project.core.view(project.now).apis
    assert (None, True) == (v2.last_answered_at, v1beta.last_answered_at is not None)


def test_a_generation_that_was_set_aside_still_is_and_is_requested_at_once() -> None:
    """Another key may be offered more."""
    project = Polling(job(), api_versions=("v1beta", "v2"))
    project.clouds["v2"].failing["list"] = failure("not_found", is_refusal=True)
    project.run_until(45)
    hand_over(project)
    _, v2 = project.core.view(project.now).apis
    assert not v2.is_offered
    action = project.core.next_action(project.now, may_refresh=False)
    assert isinstance(action, ListJobs)
    assert {"v1beta", "v2"} == set(action.plans)


def test_a_scrape_of_what_was_published_before_does_not_let_jobs_leave() -> None:
    """The new core receives it."""
    project = Polling(
        job(status=JobStatus.COMPLETED, completed_at=EPOCH - 60), retention_finished=90.0
    )
    project.cloud.items["job-1"] = counts(completed=10)
    project.run_until(45)
    hand_over(project)
    for _ in range(2):
        project.scrape()
    project.run_until(200)
    assert 1 == project.view().tracked_jobs
    for _ in range(2):
        project.scrape()
    project.run_until(210)
    assert 0 == project.view().tracked_jobs


def test_a_project_that_was_stale_stays_so() -> None:
    """Until it is listed."""
    project = polled()
    project.cloud.failing["list"] = failure()
    project.run_until(400)
    hand_over(project)
    view = project.core.view(project.now)
    assert (None, ()) == (view.gauges, view.jobs)
