"""A project's poller against the simulator: request counts, jobs that come, end and vanish."""

from itertools import groupby

import pytest
from structlog.testing import capture_logs

from exporter.domain import ItemStatus, JobStatus
from exporter.simulator import Fault, Paging
from tests.support.cloud import Cloud
from tests.support.polling import eventually, polling

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
        """They are logged with advice, once while they last."""
        cloud.simulator.faults.add(fault)
        with capture_logs() as logs:
            async with polling(
                cloud, timeout_seconds=0.2 if fault.kind == "hang" else 20.0
            ) as watch:
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
            assert 1.0 == watch.own("project_up")
            await eventually(lambda: watch.own("listing_truncated") == 1.0)

    async def test_a_hanging_status_does_not_delay_listings(self, cloud: Cloud) -> None:
        """Status and counts of every job stay as old as an interval at most."""
        cloud.add_job("good")
        cloud.add_job("bad")
        cloud.simulator.faults.add(Fault("hang", endpoint="job_status", job_id="bad"))
        async with polling(cloud, timeout_seconds=30.0) as watch:
            await eventually(lambda: cloud.requests()["list_jobs"] >= 5)
            cloud.world.jobs["bad"].overrides["failed_items"] = 9
            await eventually(lambda: watch.job("bad").failed_items == 9)
