"""A project's poller against the simulator: request counts, jobs that come, end and vanish."""

import asyncio
import time
from itertools import groupby

import pytest
from asking import budget_of
from cloud import Cloud
from polling import eventually, polling
from structlog.testing import capture_logs

from exporter.domain import ItemStatus, JobStatus, JobType, Steps
from exporter.poller import Pace
from exporter.simulator import Fault, Paging, items_of

pytestmark = pytest.mark.anyio


def requests_between_listings(cloud: Cloud) -> list[list[str]]:
    """Return the other requests after each listing, the last listing's left out."""
    endpoints = [str(request.endpoint) for request in cloud.simulator.requests]
    polls: list[list[str]] = []
    for is_listing, group in groupby(endpoints, lambda endpoint: endpoint == "list_jobs"):
        if is_listing:
            polls.extend([] for _ in group)
        else:
            polls[-1].extend(group)
    return polls[:-1]


class TestRequests:
    """What polling costs."""

    async def test_a_project_without_active_jobs_costs_one_request_an_interval(
        self, cloud: Cloud
    ) -> None:
        """Whatever else it lists."""
        cloud.add_job(status="completed", completed_at=cloud.world.clock() - 9 * 3600, items=[])
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 3)
        assert {"list_jobs"} == cloud.requests().keys()
        assert cloud.requests()["list_jobs"] <= 4

    async def test_n_active_jobs_cost_one_plus_two_n_requests_an_interval(
        self, cloud: Cloud
    ) -> None:
        """A listing, and a status and a count of each."""
        for number in range(5):
            cloud.add_job(f"job-{number}")
        # Long enough for a busy machine to refresh them all.
        async with polling(cloud, interval=1.5) as watch:
            await eventually(lambda: watch.polls("success") >= 4)
        for requests in requests_between_listings(cloud):
            assert ["job_status"] * 5 + ["list_items"] * 5 == sorted(requests)

    async def test_without_counting_a_job_costs_one_request(self, cloud: Cloud) -> None:
        """``items.enabled`` false."""
        cloud.add_job("a")
        cloud.add_job("b")
        async with polling(cloud, rules={"items_enabled": False}, interval=1.0) as watch:
            await eventually(lambda: watch.polls("success") >= 3)
        for requests in requests_between_listings(cloud):
            assert ["job_status", "job_status"] == requests

    async def test_a_job_that_ended_costs_two_more_requests_and_then_none(
        self, cloud: Cloud
    ) -> None:
        """Its final status and its final count."""
        job = cloud.add_job(items=items_of("job-1", completed=2))
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 2)
            job.status, job.completed_at = "completed", cloud.world.clock()
            await eventually(lambda: watch.job().status is JobStatus.COMPLETED)
            polls = watch.polls("success")
            await eventually(lambda: watch.polls("success") >= polls + 3)
            after = cloud.requests().total() - cloud.requests()["list_jobs"]
            polls = watch.polls("success")
            await eventually(lambda: watch.polls("success") >= polls + 2)
        assert after == cloud.requests().total() - cloud.requests()["list_jobs"]
        assert {0, 2} == {len(requests) for requests in requests_between_listings(cloud)}

    async def test_a_small_budget_refreshes_all_jobs_in_turn(self, cloud: Cloud) -> None:
        """None of the jobs starves, each tells its age, and listings stay on time."""
        for number in range(6):
            cloud.add_job(f"job-{number}")
        budget = budget_of(20.0, 8, time.monotonic)
        async with polling(cloud, budget=budget, interval=0.25) as watch:
            await eventually(
                lambda: (
                    all(job.items_last_counted_at for job in watch.view.jobs)
                    and watch.polls("success") >= 4
                )
            )
            assert 0 == watch.polls("partial")
        listings = [r for r in cloud.simulator.requests if r.endpoint == "list_jobs"]
        took = listings[-1].arrived_monotonic - listings[0].arrived_monotonic
        # Not later than they are due but for a busy machine; starved ones would take far longer.
        assert took < 3 * 0.25 * (len(listings) - 1)
        turns = [r.job_id for r in cloud.simulator.requests if r.endpoint == "job_status"]
        assert {f"job-{number}" for number in range(6)} == set(turns[:6])


class TestLongWork:
    """What others have done meanwhile keeps nothing from being accounted truly."""

    async def test_no_poll_ends_before_its_listing_is_taken_in(self, cloud: Cloud) -> None:
        """Also if a refresh that the poll before left over ends meanwhile."""
        cloud.add_job()
        cloud.simulator.faults.add(Fault("slow", endpoint="job_status", seconds=0.5))
        pace, may_go_on = Pace(), asyncio.Event()

        def long_work() -> Steps[None]:
            while not may_go_on.is_set():
                yield

        async with polling(cloud, pace=pace) as watch:
            await eventually(lambda: cloud.requests()["job_status"] >= 1)
            working = asyncio.create_task(pace.take(long_work()))
            await eventually(lambda: cloud.requests()["list_jobs"] >= 2)
            polls = watch.polls("success") + watch.polls("partial")
            await eventually(lambda: watch.job().items is not None)
            for _ in range(5):
                await asyncio.sleep(0)
            assert watch.polls("success") + watch.polls("partial") == polls
            may_go_on.set()
            await working
            await eventually(lambda: watch.polls("success") > polls)


class TestWhatIsPublished:
    """What users see of it."""

    async def test_a_jobs_numbers_are_published(self, cloud: Cloud) -> None:
        """From its row, its status and its items."""
        cloud.add_job()
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            job = watch.job()
        assert (JobStatus.RUNNING, 10, 7, 1, 0) == (
            job.status,
            job.total_items,
            job.processed_items,
            job.failed_items,
            job.skipped_items,
        )
        assert 0.7 == job.progress_ratio
        assert job.items is not None
        assert (6, 1, 3) == (
            job.items[ItemStatus.COMPLETED],
            job.items[ItemStatus.FAILED],
            job.items[ItemStatus.PENDING],
        )

    async def test_a_job_that_lived_between_two_listings_is_counted(self, cloud: Cloud) -> None:
        """Short jobs are not missed, nor are their failures."""
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            now = cloud.world.clock()
            cloud.add_job(
                status="completed",
                created_at=now,
                started_at=now,
                completed_at=now,
                items=items_of("job-1", completed=4, failed=2),
            )
            await eventually(
                lambda: watch.view.counters.jobs_finished[JobType.PARSE, JobStatus.COMPLETED] == 1
            )
            await eventually(
                lambda: watch.view.counters.items_finished[JobType.PARSE, ItemStatus.COMPLETED] == 4
            )
            finished = watch.view.counters.items_finished
        assert 2 == finished[JobType.PARSE, ItemStatus.FAILED]

    async def test_a_vanished_job_is_gone_after_two_intervals(self, cloud: Cloud) -> None:
        """It does not run for ever, and nothing is wrong with the polls."""
        cloud.add_job()
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            cloud.world.remove_job("job-1")
            await eventually(lambda: watch.job().status is JobStatus.GONE)
            assert 0 == watch.polls("partial")
            assert 1 == watch.view.counters.jobs_finished[JobType.PARSE, JobStatus.GONE]

    async def test_a_gateways_404_makes_no_job_gone(self, cloud: Cloud) -> None:
        """Only LlamaCloud knows what LlamaCloud knows."""
        cloud.add_job()
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            cloud.simulator.jobs_paging = Paging(order="oldest")
            cloud.simulator.faults.add(Fault("html", code=404, endpoint="job_status"))
            await eventually(lambda: watch.polls("partial") >= 3)
            assert JobStatus.RUNNING is watch.job().status
            assert 0 < (watch.own("poll_errors_total", reason="bad_response") or 0)

    async def test_items_that_are_not_found_make_a_poll_partial(self, cloud: Cloud) -> None:
        """The job itself is known: it is neither gone nor silently uncounted."""
        cloud.add_job()
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            cloud.simulator.faults.add(Fault("status", code=404, endpoint="list_items"))
            await eventually(lambda: watch.polls("partial") >= 3)
            assert JobStatus.RUNNING is watch.job().status
            assert 0 < (watch.own("poll_errors_total", reason="other") or 0)

    async def test_a_job_that_ended_unseen_is_counted_however_small_the_budget(
        self, cloud: Cloud
    ) -> None:
        """Though it comes last in line."""
        for number in range(6):
            cloud.add_job(f"active-{number}")
        budget = budget_of(40.0, 8, time.monotonic)
        async with polling(cloud, budget=budget, interval=0.15) as watch:
            await eventually(lambda: watch.polls("success") >= 2)
            now = cloud.world.clock()
            cloud.add_job("short", status="completed", created_at=now, completed_at=now)
            await eventually(
                lambda: (
                    "short" in {job.job_id for job in watch.view.jobs}
                    and watch.job("short").items is not None
                )
            )

    async def test_one_bad_job_does_not_take_others_down(self, cloud: Cloud) -> None:
        """It keeps its last values, and the poll is partial."""
        cloud.add_job("good")
        cloud.add_job("bad")
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            fault = Fault("status", code=500, endpoint="job_status", job_id="bad")
            cloud.simulator.faults.add(fault)
            cloud.world.jobs["good"].progress_percentage = 80.0
            await eventually(lambda: watch.polls("partial") >= 1)
            await eventually(lambda: watch.job("good").progress_ratio == 0.8)
            assert 0.7 == watch.job("bad").progress_ratio
            assert 0 < (watch.own("poll_errors_total", reason="server") or 0)
            cloud.simulator.faults.clear()
            polls = watch.polls("success")
            await eventually(lambda: watch.polls("success") > polls)

    async def test_a_failed_listing_keeps_the_last_data_and_refreshes_nothing(
        self, cloud: Cloud
    ) -> None:
        """Until the project is stale."""
        cloud.add_job()
        async with polling(cloud, rules={"stale_after": 1.0}) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            cloud.simulator.faults.add(Fault("status", code=401, endpoint="list_jobs"))
            await eventually(lambda: watch.polls("error") >= 1)
            assert (0.0, 0.0) == (watch.own("project_up"), watch.own("project_authenticated"))
            refreshes = cloud.requests()["job_status"]
            await eventually(lambda: not watch.view.jobs)
            assert watch.view.gauges is None
            assert refreshes == cloud.requests()["job_status"]
            cloud.simulator.faults.clear()
            await eventually(lambda: bool(watch.view.jobs))
            assert (1.0, 1.0) == (watch.own("project_up"), watch.own("project_authenticated"))

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (Fault("status", code=401), "unauthorized"),
            (Fault("status", code=402), "payment_required"),
            (Fault("status", code=403), "forbidden"),
            (Fault("status", code=404), "not_found"),
            (Fault("status", code=429), "rate_limited"),
            (Fault("status", code=418), "other"),
            (Fault("status", code=503), "server"),
            (Fault("hang"), "timeout"),
            (Fault("reset"), "network"),
            (Fault("html"), "bad_response"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_failures_are_counted_by_reason_once_a_poll(
        self, cloud: Cloud, fault: Fault, reason: str
    ) -> None:
        """And told with advice, once while they last."""
        cloud.simulator.faults.add(fault)
        with capture_logs() as logs:
            async with polling(cloud, timeout_seconds=0.2) as watch:
                await eventually(lambda: watch.polls("error") >= 2)
                assert watch.polls("error") == watch.own("poll_errors_total", reason=reason)
                cloud.simulator.faults.clear()
                await eventually(lambda: watch.polls("success") >= 1)
        lines = [line for line in logs if line["log_level"] == "error"]
        assert ["project.listing_failed"] == [line["event"] for line in lines]
        assert (reason, "invoices") == (lines[0]["reason"], lines[0]["project"])
        assert lines[0]["advice"]
        assert "project.listing_recovered" in {line["event"] for line in logs}

    @pytest.mark.parametrize("code", [402, 403])
    async def test_an_answer_that_is_not_401_shows_that_the_key_is_accepted(
        self, cloud: Cloud, code: int
    ) -> None:
        """What is wrong then is something else."""
        cloud.simulator.faults.add(Fault("status", code=401))
        async with polling(cloud) as watch:
            await eventually(lambda: watch.own("project_authenticated") == 0)
            cloud.simulator.faults.clear()
            cloud.simulator.faults.add(Fault("status", code=code))
            await eventually(lambda: watch.own("project_authenticated") == 1)
            assert 0 == watch.own("project_up")

    async def test_a_truncated_listing_is_still_a_listing(self, cloud: Cloud) -> None:
        """And says what it is."""
        for number in range(12):
            cloud.add_job(f"job-{number}", items=[])
        cloud.simulator.jobs_paging = Paging(max_rows=10, ignore_offset=True)
        async with polling(cloud) as watch:
            await eventually(lambda: watch.polls("success") >= 1)
            assert watch.view.listing_truncated
            assert (1.0, 1.0) == (watch.own("project_up"), watch.own("listing_truncated"))

    async def test_a_hanging_status_does_not_delay_listings(self, cloud: Cloud) -> None:
        """Status and counts of every job stay as old as an interval at most."""
        cloud.add_job("good")
        cloud.add_job("bad")
        cloud.simulator.faults.add(Fault("hang", endpoint="job_status", job_id="bad"))
        async with polling(cloud, timeout_seconds=30.0) as watch:
            await eventually(lambda: cloud.requests()["list_jobs"] >= 5)
            cloud.world.jobs["bad"].overrides["failed_items"] = 9
            await eventually(lambda: watch.job("bad").failed_items == 9)


class TestLog:
    """What the log tells of jobs and items."""

    async def test_going_stale_is_told_once(self, cloud: Cloud) -> None:
        """It is when series vanish."""
        cloud.add_job()
        with capture_logs() as logs:
            async with polling(cloud, rules={"stale_after": 0.5}) as watch:
                await eventually(lambda: watch.polls("success") >= 1)
                cloud.simulator.faults.add(Fault("status", code=403))
                await eventually(lambda: watch.view.gauges is None)
                polls = watch.polls("error")
                await eventually(lambda: watch.polls("error") >= polls + 2)
        assert 1 == [line["event"] for line in logs].count("project.stale")

    async def test_a_truncated_listing_is_told_once_and_its_end_too(self, cloud: Cloud) -> None:
        """With what to do about it."""
        for number in range(30):
            cloud.add_job(f"job-{number}", status="completed", items=[], completed_at=1.0)
        cloud.simulator.jobs_paging = Paging(max_rows=10, ignore_offset=True)
        with capture_logs() as logs:
            async with polling(cloud, interval=0.1) as watch:
                await eventually(lambda: watch.polls("success") >= 2)
                cloud.simulator.jobs_paging = Paging()
                # Either may be first: what is published waits for its turn.
                await eventually(lambda: logs[-1]["event"] == "project.listing_whole_again")
                await eventually(lambda: watch.view.listing_truncated is False)
        assert ["project.listing_truncated", "project.listing_whole_again"] == [
            line["event"] for line in logs if line["event"] != "project.listed"
        ]

    async def test_trouble_with_a_job_is_told_once_and_its_end_too(self, cloud: Cloud) -> None:
        """Recovery means that the job was refreshed, not that nobody asked."""
        cloud.add_job()
        with capture_logs() as logs:
            async with polling(cloud, interval=0.15) as watch:
                await eventually(lambda: watch.polls("success") >= 1)
                fault = Fault("status", code=422, endpoint="job_status")
                cloud.simulator.faults.add(fault)
                await eventually(lambda: watch.polls("partial") >= 2)
                cloud.simulator.faults.add(Fault("status", code=403, endpoint="list_jobs"))
                await eventually(lambda: watch.polls("error") >= 2)
                cloud.simulator.faults.clear()
                await eventually(lambda: logs[-1]["event"] == "job.refresh_recovered")
        assert [
            "job.refresh_failed",
            "project.listing_failed",
            "project.listing_recovered",
            "job.refresh_recovered",
        ] == [
            line["event"]
            for line in logs
            if line["event"].endswith(("failed", "recovered")) and line["event"] != "item.failed"
        ]

    async def test_a_jobs_life_is_a_few_lines(self, cloud: Cloud) -> None:
        """Appearing, failed items, the end with counts and duration; none again."""
        items = items_of("job-1", failed=2, processing=1)
        job = cloud.add_job(items=items)
        with capture_logs() as logs:
            async with polling(cloud) as watch:
                await eventually(lambda: watch.polls("success") >= 2)
                items[2].status = "completed"
                job.status, job.completed_at = "failed", (job.started_at or 0) + 40
                await eventually(lambda: watch.job().status is JobStatus.FAILED)
                polls = watch.polls("success")
                await eventually(lambda: watch.polls("success") >= polls + 2)
        lines = [line for line in logs if line["event"] != "project.listed"]
        assert ["job.appeared", "item.failed", "item.failed", "job.ended"] == [
            line["event"] for line in lines
        ]
        assert ("document-00001.pdf", "The document could not be read") == (
            lines[1]["item_name"],
            lines[1]["error_message"],
        )
        assert ("failed", 3, 2, 40.0, "warning") == (
            lines[3]["status"],
            lines[3]["processed_items"],
            lines[3]["failed_items"],
            lines[3]["duration_seconds"],
            lines[3]["log_level"],
        )
