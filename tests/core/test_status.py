"""What people are shown of a project: the core's status, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.core.handover import go_on_from
from exporter.core.project import ProjectCore
from exporter.core.recent import Recent
from exporter.domain import FailedItem, ItemCounts, JobStatus
from tests.core.fake_cloud import failure
from tests.support.history import EPOCH, HOUR, counts, job
from tests.support.virtual_time import Polling

if TYPE_CHECKING:
    from exporter.domain import ProjectStatus

INTERVAL = 30.0


def status_of(project: Polling) -> ProjectStatus:
    """Return the status of a project now."""
    return project.core.status(project.now)


def failed(number: int, first: int = 0) -> ItemCounts:
    """Count this number of failed items, and name them."""
    items = [FailedItem(f"i-{n}", f"{n}.pdf", "broken", "other") for n in range(first, number)]
    return replace(counts(failed=number), failed=tuple(items[:20]))


class TestProject:
    """The status of a project as a whole."""

    def test_before_the_first_listing_nothing_is_known(self) -> None:
        """It is neither up nor refused."""
        project = Polling(job())
        project.cloud.seconds["list"] = 20.0
        project.run_until(10)
        status = status_of(project)
        assert (False, None, None) == (
            status.listing_was_tried,
            status.listing_failure,
            status.is_authenticated,
        )
        assert (True, False, ()) == (status.is_stale, status.went_stale, status.jobs)

    def test_it_counts_active_and_failing_jobs(self) -> None:
        """A job that ended with failed items is failing, too."""
        done = job("done", status=JobStatus.COMPLETED, failed_items=2, completed_at=EPOCH + 90)
        project = Polling(job(), done, max_jobs=1)
        project.run_until(20)
        status = status_of(project)
        assert (1, 1, 1) == (status.active_jobs, status.failing_jobs, status.hidden_jobs)
        assert {"job-1", "done"} == {shown.job_id for shown in status.jobs}
        assert ("invoices", "p-1", EPOCH + 0.1) == (
            status.project,
            status.project_id,
            status.last_listing_at,
        )

    def test_a_project_that_was_listed_once_goes_stale(self) -> None:
        """Its jobs stay in the status, which shows how old they are."""
        project = Polling(job())
        project.run_until(20)
        project.cloud.failing["list"] = failure("server")
        project.run_until(HOUR)
        status = status_of(project)
        assert (True, True) == (status.is_stale, status.went_stale)
        assert ["job-1"] == [shown.job_id for shown in status.jobs]
        assert status.listing_failure == failure("server")

    def test_a_generation_that_is_set_aside_is_reported_with_its_reason(self) -> None:
        """The other one is in use."""
        project = Polling(job(), api_versions=("v1beta", "v2"))
        project.clouds["v2"].failing["list"] = refusal = failure("not_found", is_refusal=True)
        project.run_until(20)
        v1beta, v2 = status_of(project).apis
        assert ("v1beta", True, None) == (
            v1beta.api_version,
            v1beta.has_answered,
            v1beta.set_aside_for,
        )
        assert ("v2", False, refusal) == (v2.api_version, v2.has_answered, v2.set_aside_for)


class TestAuthentication:
    """Whether listings show that the key is accepted."""

    @pytest.mark.parametrize(
        ("reasons", "expected"),
        [
            (["payment_required"], True),
            (["forbidden"], True),
            (["unauthorized"], False),
            (["no_key"], False),
            (["timeout"], None),
            (["forbidden", "timeout"], True),
            (["unauthorized", "timeout"], False),
            (["no_key", "no_key"], False),
            (["no_key", "timeout"], None),
            (["no_key", "unauthorized"], False),
            (["unauthorized", ""], True),
        ],
    )
    def test_the_last_answer_that_shows_it_decides(
        self, reasons: list[str], expected: object
    ) -> None:
        """A key that is new is neither accepted nor refused before LlamaCloud answered."""
        project = Polling(job())
        project.cloud.next_listings.extend(
            failure(reason) if reason else None for reason in reasons
        )
        project.cloud.failing["list"] = failure("server")
        while project.cloud.next_listings:
            project.run_until(project.now + 1)
        project.run_until(project.now + 1)
        assert expected is status_of(project).is_authenticated

    def test_another_core_goes_on_with_it(self) -> None:
        """A reload does not forget that the key is refused."""
        project = Polling(job())
        project.cloud.failing["list"] = failure("unauthorized")
        project.run_until(20)
        core = ProjectCore(project.core.rules, project.now)
        go_on_from(core, project.core, project.now)
        assert core.status(project.now).is_authenticated is False


class TestStatusChanges:
    """What a job went through, as this process saw it."""

    def test_each_status_is_reported_with_the_time_of_the_answer(self) -> None:
        """The first sight included, and what LlamaCloud said at the end."""
        project = Polling(job(status=JobStatus.PENDING))
        project.at(40, lambda: project.cloud.change("job-1", status=JobStatus.RUNNING))
        project.at(
            100,
            lambda: project.cloud.change(
                "job-1",
                status=JobStatus.FAILED,
                completed_at=EPOCH + 100,
                error_message="out of memory",
            ),
        )
        project.run_until(200)
        pending, running, ended = status_of(project).status_changes["job-1"]
        assert (JobStatus.PENDING, EPOCH + 0.1, None) == pending
        assert (JobStatus.RUNNING, EPOCH + 60.1) == running[:2]
        assert (JobStatus.FAILED, EPOCH + 120.1, "out of memory") == ended

    def test_the_last_ten_are_kept(self) -> None:
        """Of a job that is throttled again and again."""
        project = Polling(job())
        statuses = [JobStatus.RUNNING, JobStatus.THROTTLED] * 8
        for number, status in enumerate(statuses):
            project.run_until(number * INTERVAL + 15)
            project.cloud.change("job-1", status=status)
        project.run_until(17 * INTERVAL)
        changes = [change.status for change in status_of(project).status_changes["job-1"]]
        assert changes == [JobStatus.RUNNING, JobStatus.THROTTLED] * 5

    def test_a_job_that_left_is_forgotten(self) -> None:
        """Nothing grows with the jobs that there were."""
        project = Polling(job(), min_scrapes=0, retention_failed=HOUR)
        project.cloud.items["job-1"] = failed(3)
        project.run_until(20)
        before = status_of(project)
        project.cloud.change("job-1", status=JobStatus.FAILED, completed_at=EPOCH + 20)
        project.run_until(3 * HOUR)
        after = status_of(project)
        assert {"job-1"} == before.status_changes.keys() == before.failed_items.keys()
        assert ({}, {}, ()) == (after.status_changes, after.failed_items, after.jobs)


class TestFailedItems:
    """Which items of a job failed last."""

    def test_they_are_those_that_the_log_names(self) -> None:
        """Twenty of a job, in the order in which they were seen."""
        project = Polling(job())
        project.cloud.items["job-1"] = failed(2)
        project.run_until(20)
        project.cloud.items["job-1"] = failed(50)
        project.run_until(50)
        ids = [item.item_id for item in status_of(project).failed_items["job-1"]]
        assert ids == [f"i-{number}" for number in range(20)]

    def test_another_core_goes_on_with_them(self) -> None:
        """A reload keeps what was seen of the jobs that stay."""
        project = Polling(job(), job("other"))
        project.cloud.items |= {"job-1": failed(2), "other": failed(1)}
        project.run_until(20)
        core = ProjectCore(project.core.rules, project.now)
        go_on_from(core, project.core, project.now)
        before, after = status_of(project), core.status(project.now)
        assert before.failed_items == after.failed_items
        assert before.status_changes == after.status_changes

    def test_two_thousand_are_kept_of_a_project(self) -> None:
        """Those of the jobs go first in which none failed for longest."""
        recent, items = Recent(), failed(20).failed
        for number in range(150):
            recent.items_failed(f"job-{number}", items)
            recent.items_failed("job-0", [FailedItem(f"again-{number}", None, None)])
        recent.forget("job-148")
        kept = recent.failed_items
        assert 1_960 < sum(map(len, kept.values())) <= 2_000
        assert [f"again-{number}" for number in range(130, 150)] == [
            item.item_id for item in kept["job-0"]
        ]
        assert {f"job-{number}" for number in (0, *range(51, 148), 149)} == kept.keys()
