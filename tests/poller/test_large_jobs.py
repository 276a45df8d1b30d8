"""Jobs with too many items for a sweep: no count is too small, and reported numbers count."""

import pytest

from exporter.domain import ItemStatus, JobType
from exporter.simulator import items_of
from tests.support.cloud import Cloud
from tests.support.polling import eventually, polling

pytestmark = pytest.mark.anyio

PAGE = 1000


async def test_a_hundred_thousand_items_are_followed_by_the_few_that_matter(cloud: Cloud) -> None:
    """Items in notable statuses are counted, the others are not. The job is uncounted."""
    cloud_job = cloud.add_job("job-1", created_at=cloud.world.clock() + 5)
    cloud_job.items = items_of(
        "job-1", pending=90_000, processing=8, completed=9_962, failed=20, skipped=10
    )
    cloud_job.overrides["failed_items"] = 12
    async with polling(cloud) as watch:
        await eventually(lambda: bool(watch.view.jobs) and watch.job().items is not None)
        job, view = watch.job(), watch.view
        assert (100_000, 12, 10) == (job.total_items, job.failed_items, job.skipped_items)
        assert {"processing": 8, "failed": 20, "skipped": 10, "cancelled": 0} == job.items
        assert 1 == view.uncounted_jobs
        await eventually(lambda: watch.own("uncounted_jobs") == 1.0)
        assert view.gauges is not None
        assert {0} == set((view.gauges.active_items or {}).values())
        finished = view.counters.items_finished
        assert (20, 10) == (
            finished[JobType.PARSE, ItemStatus.FAILED],
            finished[JobType.PARSE, ItemStatus.SKIPPED],
        )
        assert 10 == view.counters.items_skipped[JobType.PARSE, "already_processed"]
    pages = [request.params for request in cloud.simulator.requests if request.job_id]
    assert all("status" in params for params in pages if "offset" in params)


async def test_reported_numbers_count_if_items_are_too_many(
    cloud: Cloud,
) -> None:
    """No count of failed items is published, and no failure that the job reports is missed."""
    cloud_job = cloud.add_job("job-1", created_at=cloud.world.clock() + 5)
    cloud_job.overrides |= {"total_items": 12 * PAGE, "failed_items": 11 * PAGE}
    async with polling(cloud) as watch:
        await eventually(lambda: bool(watch.view.jobs) and watch.job().items is not None)
        job, view = watch.job(), watch.view
        assert {"processing": 0, "skipped": 0, "cancelled": 0} == job.items
        assert (11 * PAGE, 1) == (job.failed_items, view.uncounted_jobs)
        assert 11 * PAGE == view.counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
        cloud_job.overrides["failed_items"] = 11 * PAGE + 1
        await eventually(
            lambda: (
                watch.view.counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
                == 11 * PAGE + 1
            )
        )
    asked = {request.params.get("status") for request in cloud.simulator.requests}
    assert {None, "processing", "skipped", "cancelled"} == asked


async def test_reasons_of_too_many_skipped_items_are_not_reported_in_part(
    cloud: Cloud,
) -> None:
    """A part of them would be published as all of them."""
    cloud_job = cloud.add_job("job-1", created_at=cloud.world.clock() - 3600)
    cloud_job.items = items_of("job-1", pending=10 * PAGE, skipped=9 * PAGE)
    async with polling(cloud) as watch:
        await eventually(lambda: bool(watch.view.jobs) and watch.job().items is not None)
        assert {"processing": 0, "failed": 0, "cancelled": 0} == watch.job().items
        cloud_job.items = items_of("job-1", completed=10 * PAGE, skipped=9 * PAGE)
        cloud_job.status, cloud_job.completed_at = "completed", cloud.world.clock() + 5
        await eventually(lambda: (watch.job().items or {}).get(ItemStatus.SKIPPED) == 9 * PAGE)
        skipped = watch.view.counters.items_skipped
        assert 0 == skipped[JobType.PARSE, "already_processed"]


async def test_the_final_count_goes_further(cloud: Cloud) -> None:
    """Five times as far: it is the last."""
    cloud_job = cloud.add_job("job-1", created_at=cloud.world.clock() + 5)
    cloud_job.items = items_of("job-1", completed=2 * PAGE, failed=500)
    async with polling(cloud, rules={"items_max_requests": 1}) as watch:
        await eventually(lambda: watch.view.uncounted_jobs == 1)
        cloud_job.status, cloud_job.completed_at = "completed", cloud.world.clock() + 5
        await eventually(lambda: (watch.job().items or {}).get(ItemStatus.COMPLETED) == 2 * PAGE)
        finished = watch.view.counters.items_finished
        assert 2 * PAGE == finished[JobType.PARSE, ItemStatus.COMPLETED]
        assert 500 == finished[JobType.PARSE, ItemStatus.FAILED]
