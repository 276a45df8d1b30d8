"""Rows that are not as documented: they hide nothing else, and their faults are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.domain import ErrorReason, ItemStatus, JobStatus, JobType
from exporter.simulator import items_of
from tests.support.polling import eventually, polling

if TYPE_CHECKING:
    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

# Of users' reports of similar tools: what stood in one of 21 listed rows.
ODD_FIELDS: list[dict[str, Any]] = [
    {"error_message": {"code": "E1"}},
    {"completed_at": ""},
    {"created_at": 1795877185},
    {"directory_id": 7},
    {"processed_items": -1},
    {"project_id": None},
    {"total_items": None},
    {"directory_id": "d" * 10_000},
]
ODD_IDS: list[dict[str, Any]] = [{"id": "x" * 1001}, {"id": ".."}, {"id": None}]


@pytest.mark.parametrize("odd", ODD_FIELDS, ids=lambda odd: next(iter(odd)))
async def test_an_odd_field_hides_no_job(cloud: Cloud, odd: dict[str, Any]) -> None:
    """Not even its own."""
    for number in range(20):
        cloud.add_job(f"job-{number}")
    cloud.add_job("odd", overrides=odd)
    async with polling(cloud) as watch:
        await eventually(lambda: len(watch.view.jobs) == 21)
        assert 1.0 == watch.own("project_up")
        await eventually(lambda: sum((watch.job("odd").items or {}).values()) == 10)
        assert len(watch.job("odd").directory_id) <= 1000


@pytest.mark.parametrize("odd", ODD_IDS, ids=range(len(ODD_IDS)))
async def test_a_row_without_a_usable_id_makes_the_poll_partial(
    cloud: Cloud, odd: dict[str, Any]
) -> None:
    """All other jobs are shown, and the row is counted."""
    for number in range(20):
        cloud.add_job(f"job-{number}")
    cloud.add_job("odd", overrides=odd)
    async with polling(cloud) as watch:
        await eventually(lambda: watch.polls("partial") >= 1)
        assert {f"job-{number}" for number in range(20)} == {job.job_id for job in watch.view.jobs}
        assert 1.0 == watch.own("project_up")
        assert (watch.own("unreadable_rows_total", endpoint="list_jobs") or 0) >= 1
        assert (watch.own("poll_errors_total", reason="bad_response") or 0) >= 1


async def test_a_job_is_uncounted_while_an_item_cannot_be_read(cloud: Cloud) -> None:
    """The poll is partial meanwhile, and the job is counted as soon as it can be."""
    job = cloud.add_job()
    async with polling(cloud) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        job.items[0].overrides["item_id"] = None
        job.items[9].status = "completed"
        await eventually(lambda: watch.polls("partial") >= 2)
        assert (None, 1) == (watch.job().items, watch.view.uncounted_jobs)
        assert (watch.own("unreadable_rows_total", endpoint="list_items") or 0) >= 2
        job.items[0].overrides.clear()
        await eventually(lambda: (watch.job().items or {}).get(ItemStatus.COMPLETED) == 7)


@pytest.mark.parametrize(
    "completed_at",
    ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "26 hours ago", "2 hours ago"],
)
async def test_a_job_whose_end_lies_before_its_creation_counts(
    cloud: Cloud, completed_at: str
) -> None:
    """As where local time is written without a zone; it was created after the start, and failed."""
    cloud.add_job("before")
    async with polling(cloud) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        now = cloud.world.clock()
        job = cloud.add_job("late", status="failed", created_at=now, started_at=now)
        job.items = items_of("late", completed=1, failed=9)
        if completed_at.endswith("ago"):
            job.completed_at = job.updated_at = now - 3600 * int(completed_at.split(maxsplit=1)[0])
        else:
            job.overrides["completed_at"] = completed_at
        key = JobType.PARSE, ItemStatus.FAILED
        await eventually(lambda: watch.view.counters.items_finished[key] == 9)
        finished = watch.view.counters.jobs_finished
        assert 1 == finished[JobType.PARSE, JobStatus.FAILED]
        assert (JobStatus.FAILED, None) == (
            watch.job("late").status,
            watch.job("late").completed_at,
        )


async def test_jobs_of_long_ago_in_an_unknown_status_are_not_requested(cloud: Cloud) -> None:
    """They have ended, and their retention is over."""
    months_ago = cloud.world.clock() - 60 * 86_400
    for number in range(6):
        cloud.add_job(
            f"old-{number}",
            status=("completed_with_errors", "COMPLETED")[number % 2],
            created_at=months_ago,
            completed_at=months_ago + 60,
        )
    cloud.add_job("new")
    async with polling(cloud) as watch:
        await eventually(lambda: watch.polls("success") >= 2)
        assert ["new"] == [job.job_id for job in watch.view.jobs]
    assert {None, "new"} == {request.job_id for request in cloud.simulator.requests}


async def test_an_unknown_status_with_an_end_is_no_active_job(cloud: Cloud) -> None:
    """Neither for the gauges nor for the counters."""
    cloud.add_job(created_at=cloud.world.clock() + 5)
    async with polling(cloud) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        job = cloud.world.jobs["job-1"]
        job.status, job.completed_at = "completed_with_errors", cloud.world.clock() + 6
        key = JobType.PARSE, JobStatus.UNKNOWN
        await eventually(lambda: watch.view.counters.jobs_finished.get(key) == 1)
        gauges = watch.view.gauges
        assert gauges is not None
        assert 0 == sum(gauges.active_jobs.values())
        assert JobStatus.UNKNOWN is watch.job().status


async def test_the_project_id_is_shown_without_its_prefix_and_kept(cloud: Cloud) -> None:
    """Whichever row says it first, and whatever later ones say."""
    uuid = "7c1d6f1e-7d4a-4b8e-9c52-0f5f3a9d2b11"
    cloud.add_job("nameless", overrides={"project_id": None})
    job = cloud.add_job("named", overrides={"project_id": f"proj-{uuid}"})

    def shown() -> str:
        gauges = watch.view.gauges
        return "" if gauges is None else gauges.project_id

    async with polling(cloud) as watch:
        await eventually(lambda: shown() == uuid)
        job.overrides["project_id"] = "another"
        polls = watch.polls("success")
        await eventually(lambda: watch.polls("success") >= polls + 2)
        assert uuid == shown()


async def test_a_project_that_lists_another_one_is_not_up(cloud: Cloud) -> None:
    """Its jobs are those of someone else."""
    cloud.add_job(overrides={"project_id": "0b9b8d5c-2f60-4f2c-8a3e-6a1c7e5d4f22"})
    project_id = cloud.world.jobs["job-1"].project_id
    async with polling(cloud, project_id=project_id) as watch:
        await eventually(lambda: watch.polls("error") >= 1)
        failure = watch.poller.status().listing_failure
        assert failure is not None
        assert ErrorReason.BAD_RESPONSE is failure.reason
        assert () == watch.view.jobs
