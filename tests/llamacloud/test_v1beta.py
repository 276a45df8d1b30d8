"""The v1beta API as domain objects, read from the simulator."""

from itertools import count

import pytest
from asking import client_of
from cloud import Cloud
from structlog.testing import capture_logs

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta import BatchProcessing
from exporter.simulator import Fault, items_of

pytestmark = pytest.mark.anyio


async def test_a_row_becomes_a_job(cloud: Cloud) -> None:
    """With all that is published of it."""
    cloud.world.clock = lambda: 1_790_000_000.0
    cloud.add_job(job_type="extract", directory_id="dir-1", error_message="so far")
    async with client_of(cloud) as client:
        (job,) = (await BatchProcessing(client).list_jobs(0, {})).rows
    assert ("job-1", JobType.EXTRACT, JobStatus.RUNNING) == (job.id, job.job_type, job.status)
    assert (10, 7, 1, 0) == (
        job.total_items,
        job.processed_items,
        job.failed_items,
        job.skipped_items,
    )
    assert (1_789_999_940.0, 1_789_999_970.0, None) == (
        job.created_at,
        job.started_at,
        job.completed_at,
    )
    assert ("dir-1", "so far") == (job.directory_id, job.error_message)


@pytest.mark.parametrize(
    ("percentage", "ratio"), [(0.0, 0.0), (42.5, 0.425), (100.0, 1.0), (130.0, 1.0), (-5.0, 0.0)]
)
async def test_progress_is_published_as_a_ratio(
    cloud: Cloud, percentage: float, ratio: float
) -> None:
    """Clamped: nothing documents how it is computed."""
    cloud.add_job(progress_percentage=percentage)
    async with client_of(cloud) as client:
        answer = await BatchProcessing(client).job_status("job-1")
    assert ratio == answer.progress_ratio


async def test_values_newer_than_this_exporter_are_unknown_and_told_once(cloud: Cloud) -> None:
    """Also those that are words of our own."""
    cloud.add_job("a", overrides={"status": "throttled", "job_type": "split"})
    cloud.add_job("b", overrides={"status": "throttled"})
    cloud.add_job("c", overrides={"status": "gone"})
    async with client_of(cloud) as client:
        api = BatchProcessing(client)
        with capture_logs() as logs:
            await api.list_jobs(0, {})
            page = await api.list_jobs(0, {})
    assert [JobStatus.UNKNOWN] * 3 == [job.status for job in page.rows]
    assert {JobType.UNKNOWN, JobType.PARSE} == {job.job_type for job in page.rows}
    assert {("job status", "throttled"), ("job status", "gone"), ("job type", "split")} == {
        (line["kind"], line["value"]) for line in logs
    }
    assert 3 == len(logs)


async def test_ids_are_quoted_in_paths(cloud: Cloud) -> None:
    """Whatever LlamaCloud may choose as an id."""
    hostile = "a?c=d#e%2F ü&"
    cloud.add_job(hostile)
    async with client_of(cloud) as client:
        answer = await BatchProcessing(client).job_status(hostile)
        items = await BatchProcessing(client).list_items(hostile, 0)
    assert (hostile, 10) == (answer.job.id, len(items.rows))


async def test_an_answer_about_another_job_is_refused(cloud: Cloud) -> None:
    """A confused cache must not move numbers from job to job."""
    row = {
        "id": "job-2",
        "job_type": "parse",
        "status": "running",
        "project_id": "p",
        "total_items": 1,
    }
    body = {"job": row, "progress_percentage": 0}
    cloud.simulator.faults.add(Fault("wrong_shape", body=body))
    async with client_of(cloud) as client:
        with pytest.raises(BadResponse, match="another job"):
            await BatchProcessing(client).job_status("job-1")


async def test_items_have_a_status(cloud: Cloud) -> None:
    """``unknown`` where it is newer."""
    items = items_of("job-1", completed=1, skipped=1, failed=1)
    for item, status in zip(items, count(), strict=False):
        item.overrides = {"status": "melted"} if status == 2 else {}
    cloud.add_job(items=items)
    async with client_of(cloud) as client:
        api = BatchProcessing(client)
        rows = (await api.list_items("job-1", 0)).rows
        statuses = {api.item_status(row) for row in rows}
    assert {ItemStatus.COMPLETED, ItemStatus.SKIPPED, ItemStatus.UNKNOWN} == statuses
