"""A project that is read by both generations of the API, and what happens if one is refused."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.simulator import Fault, items_of
from tests.support.polling import Watch, eventually, polling

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

BOTH = ("v1beta", "v2")
# A full listing of v2: recent batches, and active ones by each of three statuses.
FULL_LISTING = {"list_jobs": 1, "list_batches": 4}
NEXT_LISTING = {"list_jobs": 1, "list_batches": 1}
REFRESHES = {"job_status": 1, "list_items": 1, "batch": 1, "list_parse_jobs": 1}
FAILED = (JobType.PARSE, ItemStatus.FAILED)


def show_results_early(cloud: Cloud) -> None:
    """Let running batches show their results: no test here waits for their end."""
    cloud.simulator.v2.results_in = frozenset({"RUNNING"})


def items_of_job(watch: Watch, job_id: str) -> dict[str, int]:
    """Return the numbers of items that are not 0."""
    return {str(status): n for status, n in (watch.job(job_id).items or {}).items() if n}


def about_apis(logs: Iterable[MutableMapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the lines about generations, each with its level and generation."""
    return [
        (line["event"], line["log_level"], line["api_version"])
        for line in logs
        if line["event"] in {"api.set_aside", "api.offered_again"}
    ]


def is_offered(watch: Watch, api_version: str) -> bool | None:
    """Return whether a generation is in use, ``None`` if that is not known."""
    (api,) = (api for api in watch.view.apis if api.api_version == api_version)
    return api.is_offered


async def another_poll(watch: Watch) -> None:
    """Wait until a poll that began later has ended well."""
    polls = watch.polls("success")
    await eventually(lambda: watch.polls("success") >= polls + 2)


async def test_the_jobs_of_both_are_shown_and_counted(cloud: Cloud) -> None:
    """Each with its generation, and at the price of both."""
    show_results_early(cloud)
    cloud.add_job()
    cloud.add_batch()
    async with polling(cloud, interval=60.0, api_versions=BOTH) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        jobs = {job.job_id: job.api_version for job in watch.view.jobs}
        assert {"job-1": "v1beta", "bat-1": "v2"} == jobs
        assert {"completed": 6, "failed": 1, "pending": 3} == items_of_job(watch, "job-1")
        assert {"completed": 1, "failed": 1, "processing": 1} == items_of_job(watch, "bat-1")
        active = watch.view.gauges.active_jobs if watch.view.gauges else {}
        assert 2 == active[JobType.PARSE, JobStatus.RUNNING]
    assert FULL_LISTING | REFRESHES == cloud.requests()


async def test_a_listing_requests_each_and_no_more_than_it_must(cloud: Cloud) -> None:
    """A full listing makes five requests, the next ones two."""
    async with polling(cloud, interval=0.1, api_versions=BOTH) as watch:
        await eventually(lambda: len(cloud.simulator.requests) >= 9)
        assert 0 == watch.polls("error")
    endpoints = [str(request.endpoint) for request in cloud.simulator.requests]
    assert [FULL_LISTING, NEXT_LISTING, NEXT_LISTING] == [
        dict(Counter(part)) for part in (endpoints[:5], endpoints[5:7], endpoints[7:9])
    ]


@pytest.mark.parametrize(("refused", "other"), [("v2", "v1beta"), ("v1beta", "v2")])
async def test_one_that_is_refused_from_the_start_is_set_aside(
    cloud: Cloud, refused: Any, other: str
) -> None:
    """With one log line. The other one is read as if it were alone."""
    show_results_early(cloud)
    cloud.add_job()
    cloud.add_batch()
    cloud.simulator.withdrawn[refused] = 404
    with capture_logs() as logs:
        async with polling(cloud, interval=0.1, api_versions=BOTH) as watch:
            await another_poll(watch)
            await eventually(lambda: all(job.items for job in watch.view.jobs))
            jobs = {job.api_version for job in watch.view.jobs}
            assert ({other}, 0) == (jobs, watch.polls("error"))
            assert (0, 1) == tuple(
                watch.own("api_offered", api_version=v) for v in (refused, other)
            )
            answered = "api_last_answered_timestamp_seconds"
            assert watch.own(answered, api_version=refused) is None
            assert watch.own(answered, api_version=other) is not None
            endpoint = "list_jobs" if refused == "v1beta" else "list_batches"
            requests = {
                code: watch.own("api_requests_total", endpoint=endpoint, code=code)
                for code in ("404", "200", "429")
            }
            assert {"404": 1, "200": None, "429": None} == requests
            assert 1 == watch.own("project_up")
    assert [("api.set_aside", "info", refused)] == about_apis(logs)
    assert 1 == cloud.requests()[endpoint]


async def test_one_that_is_withdrawn_meanwhile_leaves_its_jobs_as_they_were(cloud: Cloud) -> None:
    """They are not gone, those of the other go on, and nothing counts twice when it is back."""
    show_results_early(cloud)
    rules = {"full_listing_every": 0.6}
    with capture_logs() as logs:
        async with polling(cloud, interval=0.1, api_versions=BOTH, rules=rules) as watch:
            await another_poll(watch)
            job = cloud.add_job(created_at=cloud.world.clock())
            batch = cloud.add_batch(created_at=cloud.world.clock())
            await eventually(lambda: 2 == watch.view.counters.items_finished[FAILED])

            cloud.simulator.withdrawn["v1beta"] = 404
            await eventually(lambda: is_offered(watch, "v1beta") is False)
            await another_poll(watch)
            asked = cloud.requests()
            batch.files[2].job.status = "FAILED"  # type: ignore[union-attr]
            await eventually(lambda: 3 == watch.view.counters.items_finished[FAILED])
            await another_poll(watch)
            assert (JobStatus.RUNNING, 1) == (
                watch.job("job-1").status,
                items_of_job(watch, "job-1")["failed"],
            )
            assert 0 == watch.view.counters.jobs_finished[JobType.PARSE, JobStatus.GONE]
            assert (1, 0) == (watch.own("project_up"), watch.polls("error"))
            assert (asked["job_status"], asked["list_items"]) == (
                cloud.requests()["job_status"],
                cloud.requests()["list_items"],
            )

            job.items[-1].status = "failed"
            del cloud.simulator.withdrawn["v1beta"]
            await eventually(lambda: is_offered(watch, "v1beta") is True)
            await eventually(lambda: items_of_job(watch, "job-1")["failed"] == 2)
            await another_poll(watch)
            assert 4 == watch.view.counters.items_finished[FAILED]
    assert [
        ("api.set_aside", "warning", "v1beta"),
        ("api.offered_again", "info", "v1beta"),
    ] == about_apis(logs)
    # A refresh that was under way when it was withdrawn may fail, and recovers.
    of_jobs = [event for event in events(logs) if event.startswith("job.")]
    assert ["job.appeared"] * 2 == [event for event in of_jobs if "refresh" not in event]


async def test_one_that_answered_and_fails_otherwise_fails_the_listing(cloud: Cloud) -> None:
    """There is no half listing, and nothing is set aside."""
    with capture_logs() as logs:
        async with polling(cloud, interval=0.1, api_versions=BOTH) as watch:
            await another_poll(watch)
            cloud.simulator.faults.add(Fault("status", code=503, endpoint="list_batches"))
            await eventually(lambda: watch.polls("error") >= 1)
            assert (0, 1) == (watch.own("project_up"), watch.own("api_offered", api_version="v2"))
            cloud.simulator.faults.clear()
            await another_poll(watch)
            assert 1 == watch.own("project_up")
    assert [] == about_apis(logs)
    assert ["project.listed", "project.listing_failed", "project.listing_recovered"] == events(logs)


async def test_one_that_never_answered_is_read_as_soon_as_it_does(cloud: Cloud) -> None:
    """After any failure, it is requested again after one interval, then two, and so on."""
    show_results_early(cloud)
    cloud.add_job(items=items_of("job-1", completed=1))
    cloud.add_batch()
    cloud.simulator.faults.add(Fault("status", code=503, endpoint="list_batches"))
    with capture_logs() as logs:
        async with polling(cloud, interval=0.1, api_versions=BOTH) as watch:
            await eventually(lambda: is_offered(watch, "v2") is False)
            assert ["job-1"] == [job.job_id for job in watch.view.jobs]
            cloud.simulator.faults.clear()
            await eventually(lambda: is_offered(watch, "v2") is True)
            assert {"job-1", "bat-1"} == {job.job_id for job in watch.view.jobs}
            assert 0 == watch.polls("error")
    assert [("api.set_aside", "info", "v2"), ("api.offered_again", "info", "v2")] == about_apis(
        logs
    )


def events(logs: Iterable[MutableMapping[str, Any]]) -> list[str]:
    """Return the names of the lines about the project and its jobs."""
    return [line["event"] for line in logs if line["event"].startswith(("project.", "job."))]
