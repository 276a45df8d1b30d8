"""A project that another process goes on with, from what is saved of it, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.core.events import ApiSetAside, JobEnded, ListingFailed
from exporter.domain import ErrorReason, ItemStatus, JobStatus, JobType
from tests.core.fake_cloud import failure
from tests.core.test_policy_batches import finished_items, finished_jobs, put, v2_project
from tests.support.history import EPOCH, HOUR, counts, job
from tests.support.virtual_time import Polling

DAY = 24 * HOUR
BOTH = ("v1beta", "v2")
NOT_OFFERED = failure("not_found", is_refusal=True)


def both(**rules: Any) -> Polling:
    """Poll a project by both generations, each of which has an active job, for a while."""
    project = Polling(job("beta"), api_versions=BOTH, **rules)
    project.clouds["v2"].add(job("batch"))
    project.run_until(45)
    return project


def shown(project: Polling) -> set[str]:
    """Return the jobs that have series of their own."""
    return {view.job_id for view in project.view().jobs}


def failed(project: Polling) -> int:
    """Return the counter of failed items of parse jobs."""
    return project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]


class TestGenerations:
    """What is known of the generations of the API."""

    def test_one_that_answered_before_the_restart_is_relied_on(self) -> None:
        """Without it, a listing is incomplete, and its missing jobs are not gone."""
        project = both()
        project.clouds["v2"].failing["list"] = failure("server")
        project.restart()
        project.run_until(project.now + 10)
        (failed,) = project.events_of(ListingFailed)
        assert ErrorReason.SERVER is failed.failure.reason
        assert [] == project.events_of(ApiSetAside)

    def test_one_that_is_refused_since_the_restart_is_set_aside(self) -> None:
        """It is reported as one that answered before."""
        project = both()
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.restart()
        project.run_until(project.now + 10)
        (aside,) = project.events_of(ApiSetAside)
        assert aside.had_answered
        assert [] == project.events_of(ListingFailed)

    def test_one_that_was_set_aside_before_the_restart_is_not_relied_on(self) -> None:
        """Also where it fails otherwise now."""
        project = both()
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        project.run_until(90)
        project.clouds["v2"].failing["list"] = failure("server")
        project.restart()
        began = project.now
        project.run_until(began + 10)
        assert [] == project.events_of(ListingFailed)
        assert "beta" in shown(project)

    @pytest.mark.parametrize("restarts_every", [600, 2 * HOUR])
    def test_the_jobs_of_one_that_is_set_aside_leave(self, restarts_every: float) -> None:
        """An hour after it answered for the last time, however often the exporter restarts."""
        project = both(retention_failed=HOUR)
        project.clouds["v2"].failing["list"] = NOT_OFFERED
        while project.now < HOUR:
            project.restart()
            project.run_until(min(project.now + restarts_every, HOUR))
        assert {"beta", "batch"} == {tracked.job.id for tracked in project.core.table}
        project.run_until(HOUR + 60)
        assert {"beta"} == {tracked.job.id for tracked in project.core.table}


class TestBatches:
    """Batches of v2 that were mapped while no exporter ran."""

    @pytest.mark.parametrize("down", [HOUR, 2 * DAY])
    def test_one_that_ended_meanwhile_counts_once(self, down: float) -> None:
        """However long that was: a process that lived on would have counted it."""
        project = v2_project()
        project.run_until(45)
        put(project, "new", "COMPLETED", created=60, updated=70, ended=80, failed=2, completed=3)
        project.restart(down_seconds=down)
        project.run_until(project.now + 90)
        assert (2, 3, 1) == (
            finished_items(project, ItemStatus.FAILED),
            finished_items(project, ItemStatus.COMPLETED),
            finished_jobs(project, JobStatus.COMPLETED),
        )
        project.restart()
        project.run_until(project.now + 90)
        assert 2 == finished_items(project, ItemStatus.FAILED)
        assert 1 == len(project.events_of(JobEnded))

    def test_one_that_ended_before_the_first_start_still_does_not(self) -> None:
        """It was history when the counters began."""
        project = v2_project()
        put(project, "old", "COMPLETED", created=-3 * DAY, updated=-3 * DAY, failed=2)
        project.run_until(45)
        project.restart(down_seconds=2 * DAY)
        project.run_until(project.now + 90)
        assert 0 == finished_items(project, ItemStatus.FAILED)
        assert [] == project.events_of(JobEnded)


class TestSettings:
    """Other settings than those of the process before."""

    def test_without_counting_only_the_series_of_a_process_that_never_counted(self) -> None:
        """Restored ones would stand still for ever."""
        project = Polling(job())
        project.cloud.items["job-1"] = counts(completed=3, cancelled=2, failed=1)
        project.run_until(45)
        project.restart(items_enabled=False)
        project.run_until(project.now + 10)
        fresh = Polling(job(), items_enabled=False)
        fresh.run_until(45)
        for family in ("items_finished", "items_failed", "items_skipped", "item_duration"):
            restored = getattr(project.view().counters, family)
            assert set(getattr(fresh.view().counters, family)) == set(restored)
        for name in ("items", "item_failures", "items_last_counted_at"):
            assert getattr(project.job(), name) is None

    def test_jobs_that_the_filters_leave_out_leave_and_count_once_when_they_return(self) -> None:
        """What they added stays."""
        project = Polling(job(), job("other", job_type=JobType.EXTRACT))
        project.cloud.items["job-1"] = counts(failed=2, processing=8)
        project.run_until(45)
        before = project.view().counters.items_finished
        project.restart(job_types=("extract",))
        parse = project.cloud.jobs.pop("job-1")
        project.run_until(project.now + 90)
        assert {"other"} == shown(project)
        assert before == project.view().counters.items_finished
        project.cloud.add(parse)
        project.cloud.items["job-1"] = counts(failed=5, processing=5)
        project.restart(job_types=())
        project.run_until(project.now + 90)
        assert ({"job-1", "other"}, 5) == (shown(project), failed(project))

    def test_a_directory_is_added_and_its_history_adds_nothing(self) -> None:
        """Its jobs that ended before the baseline do not count."""
        old = job(
            "old",
            status=JobStatus.COMPLETED,
            directory_id="dir-2",
            failed_items=4,
            created_at=EPOCH - HOUR,
            completed_at=EPOCH - HOUR / 2,
        )
        project = Polling(job(directory_id="dir-1"), directory_ids=("dir-1",))
        project.run_until(45)
        project.cloud.add(old)
        project.restart(directory_ids=("dir-1", "dir-2"))
        project.run_until(project.now + 90)
        assert 0 == failed(project)
        assert [] == project.events_of(JobEnded)
