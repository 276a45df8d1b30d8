"""The v1beta API as domain objects, read from the simulator."""

import time
from itertools import count

import pytest
from structlog.testing import capture_logs

from exporter.domain import (
    CountLimits,
    ErrorReason,
    ItemStatus,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    JobType,
    ListingPlan,
)
from exporter.llamacloud.errors import BadResponse, NotFound
from exporter.llamacloud.refusals import JobMissing
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import Fault, items_of
from tests.support.clients import client_of
from tests.support.cloud import Cloud
from tests.support.history import job as job_of

pytestmark = pytest.mark.anyio


async def test_a_row_becomes_a_job(cloud: Cloud) -> None:
    """With all that is published of it."""
    cloud.world.clock = lambda: 1_790_000_000.0
    cloud.add_job(job_type="extract", directory_id="dir-1", error_message="so far")
    async with client_of(cloud) as client:
        (job,) = (await Reader(client, {}).jobs_page(0, {})).rows
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
        answer = await Reader(client, {}).job_status("job-1")
    assert ratio == answer.progress_ratio


async def test_values_newer_than_this_exporter_are_unknown_and_logged_once(cloud: Cloud) -> None:
    """Also those that are words of our own."""
    cloud.add_job("a", overrides={"status": "throttled", "job_type": "split"})
    cloud.add_job("b", overrides={"status": "throttled"})
    cloud.add_job("c", overrides={"status": "gone"})
    async with client_of(cloud) as client:
        reader = Reader(client, {})
        with capture_logs() as logs:
            await reader.jobs_page(0, {})
            page = await reader.jobs_page(0, {})
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
        answer = await Reader(client, {}).job_status(hostile)
        items = await Reader(client, {}).items_page(hostile, 0)
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
            await Reader(client, {}).job_status("job-1")


async def test_items_have_a_status(cloud: Cloud) -> None:
    """``unknown`` where it is newer."""
    items = items_of("job-1", completed=1, skipped=1, failed=1)
    for item, status in zip(items, count(), strict=False):
        item.overrides = {"status": "melted"} if status == 2 else {}
    cloud.add_job(items=items)
    async with client_of(cloud) as client:
        reader = Reader(client, {})
        rows = (await reader.items_page("job-1", 0)).rows
        statuses = {reader.item_status(row.status) for row in rows}
    assert {ItemStatus.COMPLETED, ItemStatus.SKIPPED, ItemStatus.UNKNOWN} == statuses


async def test_a_job_that_llamacloud_does_not_know_is_an_answer(cloud: Cloud) -> None:
    """It has the times of request and answer, and what to log if the job is listed."""
    began, memory = time.monotonic(), object()
    async with client_of(cloud) as client:
        answer, memory_after = await V1BetaApi(client).job_status(job_of("job-1"), memory)
    assert isinstance(answer, JobNotFound)
    assert "job-1" == answer.job_id
    assert abs(time.time() - answer.answered_at) < 10
    assert began <= answer.asked_monotonic <= time.monotonic()
    # Not ``not_found``: that says that the project does not exist.
    assert ErrorReason.OTHER is answer.failure.reason
    assert answer.failure.detail.startswith("HTTP 404: ")
    assert JobMissing.advice == answer.failure.advice
    assert memory is memory_after


async def test_a_status_leaves_the_memory_as_it_is(cloud: Cloud) -> None:
    """A later count compares with it still."""
    cloud.add_job()
    memory = object()
    async with client_of(cloud) as client:
        answer, memory_after = await V1BetaApi(client).job_status(job_of(), memory)
    assert isinstance(answer, JobRefreshed)
    assert memory is memory_after


async def test_a_gateways_404_for_a_job_is_a_bad_response(cloud: Cloud) -> None:
    """A gateway knows nothing of jobs."""
    cloud.add_job()
    cloud.simulator.faults.add(Fault("html", code=404))
    async with client_of(cloud) as client:
        api = V1BetaApi(client)
        with pytest.raises(BadResponse, match="HTTP 404"):
            await api.job_status(job_of(), None)
        with pytest.raises(BadResponse, match="HTTP 404"):
            await api.count_items(job_of(), None, CountLimits(10))


async def test_items_of_a_job_that_llamacloud_does_not_know_are_an_error(cloud: Cloud) -> None:
    """It says nothing of whether the job itself is known, nor of the project."""
    async with client_of(cloud) as client:
        with pytest.raises(JobMissing) as raised:
            await V1BetaApi(client).count_items(job_of("job-1"), None, CountLimits(10))
    failure = raised.value.failure()
    assert (ErrorReason.OTHER, JobMissing.advice) == (failure.reason, failure.advice)
    assert failure.detail.startswith("HTTP 404: ")


async def test_a_404_of_a_listing_is_about_the_project(cloud: Cloud) -> None:
    """The reason for that is one of its own."""
    cloud.simulator.faults.add(Fault("status", code=404))
    async with client_of(cloud) as client:
        with pytest.raises(NotFound) as raised:
            await V1BetaApi(client).list_jobs(ListingPlan(max_requests=1))
    assert ErrorReason.NOT_FOUND is raised.value.failure().reason
