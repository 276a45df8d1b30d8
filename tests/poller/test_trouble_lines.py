"""Trouble that lasts is told once, and once more when it is over."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from cloud import Cloud
from polling import eventually, polling
from structlog.testing import capture_logs

from exporter.domain import ListingPlan
from exporter.llamacloud.errors import RequestTimedOut
from exporter.poller.reports import Reports
from exporter.simulator import Fault, Paging

pytestmark = pytest.mark.anyio


def named(logs: Iterable[Mapping[str, Any]], prefix: str) -> list[str]:
    """Return the events whose names begin with ``prefix``, in their order."""
    return [line["event"] for line in logs if line["event"].startswith(prefix)]


def add_old_jobs(cloud: Cloud, number: int) -> None:
    """Add jobs that ended so long ago that they are no news."""
    for n in range(number):
        cloud.add_job(
            f"old-{n:02}", status="completed", items=[], created_at=float(n), completed_at=100.0
        )


class TestTruncated:
    """A project with more jobs than a listing may read."""

    async def test_a_listing_that_takes_the_shortcut_does_not_tell_that_all_is_shown(
        self, cloud: Cloud
    ) -> None:
        """It stops at old news before it meets the bound; only the next full one can tell."""
        add_old_jobs(cloud, 30)
        with capture_logs() as logs:
            async with polling(
                cloud, interval=0.1, full_listing_every=0.5, listing=ListingPlan(max_requests=2)
            ) as watch:
                await eventually(lambda: watch.view.listing_truncated is False)
                cloud.simulator.jobs_paging = Paging(max_rows=10)
                await eventually(lambda: named(logs, "project.listing_") != [])
                polls = watch.polls("success")
                await eventually(lambda: watch.polls("success") >= polls + 12)
                assert watch.view.listing_truncated
                assert ["project.listing_truncated"] == named(logs, "project.listing_")
                cloud.simulator.jobs_paging = Paging()
                # Either may be first: what is published waits for its turn.
                await eventually(lambda: logs[-1]["event"] == "project.listing_whole_again")
                await eventually(lambda: watch.view.listing_truncated is False)
        assert ["project.listing_truncated", "project.listing_whole_again"] == named(
            logs, "project.listing_"
        )


class TestListing:
    """A project that cannot be listed, or not in time."""

    async def test_reasons_that_alternate_are_told_once_each(self, cloud: Cloud) -> None:
        """Until listing works again: what comes after is news."""
        told: list[str] = []
        with capture_logs() as logs:
            async with polling(cloud, interval=0.05) as watch:
                await eventually(lambda: watch.polls("success") >= 1)
                for outage in (1, 2):
                    for code in (402, 403) * 3:
                        cloud.simulator.faults.add(Fault("status", code=code, times=1))
                    await eventually(lambda: watch.polls("error") == outage * 6)  # noqa: B023
                    told += [*["project.listing_failed"] * 2, "project.listing_recovered"]
                    await eventually(lambda: told == named(logs, "project.listing_"))  # noqa: B023
        reasons = [line["reason"] for line in logs if line["event"] == "project.listing_failed"]
        assert ["payment_required", "forbidden"] * 2 == reasons

    async def test_a_listing_that_fails_every_second_time_is_told_until_it_came_back(
        self, cloud: Cloud
    ) -> None:
        """It is over when it stayed away for some listings; the metrics count each."""
        told = ["project.listing_failed", "project.listing_recovered"]
        with capture_logs() as logs:
            async with polling(cloud, interval=0.05) as watch:
                await eventually(lambda: watch.polls("success") >= 1)
                for failures in range(1, 6):
                    cloud.simulator.faults.add(Fault("status", code=403, times=1))
                    await eventually(lambda: watch.polls("error") == failures)  # noqa: B023
                    success = watch.polls("success")
                    await eventually(lambda: watch.polls("success") > success)  # noqa: B023
                assert [*told, "project.listing_failed"] == named(logs, "project.listing_")
                await eventually(lambda: told * 2 == named(logs, "project.listing_"))
                assert 5 == watch.own("poll_errors_total", reason="forbidden")

    async def test_a_refused_key_is_told_with_where_it_came_from(self, cloud: Cloud) -> None:
        """And with when a better one is looked for."""
        cloud.simulator.faults.add(Fault("status", code=401))
        with capture_logs() as logs:
            async with polling(cloud, interval=0.05) as watch:
                await eventually(lambda: watch.polls("error") >= 2)
        (line,) = (line for line in logs if line["event"] == "project.listing_failed")
        assert "LLAMA_CLOUD_API_KEY" == line["key"]
        assert (
            "the API key is wrong or revoked, or belongs to another region than the base URL; it "
            "is tried ever less often, every five minutes in the end; a key file is read again "
            "within an interval, a key from elsewhere at a restart"
        ) == line["advice"]

    async def test_a_listing_that_takes_too_long_is_told_with_what_to_do(
        self, cloud: Cloud
    ) -> None:
        """Nothing failed, so no line about a failure is to be looked for; its end is told too."""
        add_old_jobs(cloud, 30)
        cloud.simulator.jobs_paging = Paging(max_rows=10)
        cloud.simulator.faults.add(Fault("slow", seconds=0.3, endpoint="list_jobs"))
        with capture_logs() as logs:
            async with polling(
                cloud, interval=0.1, full_listing_every=0.1, rules={"stale_after": 0.5}
            ) as watch:
                await eventually(lambda: watch.view.gauges is not None)
                await eventually(lambda: watch.view.gauges is None)
                await eventually(lambda: "project.listing_recovered" in named(logs, "project."))
                await eventually(lambda: watch.view.gauges is not None)
        told = [line for line in logs if line["event"].startswith("project.")][:3]
        assert ["project.listed", "project.stale", "project.listing_recovered"] == [
            line["event"] for line in told
        ]
        assert (
            "its active jobs are withdrawn until it is listed again; a listing takes longer than "
            "poll.stale_after: raise api.requests_per_minute or poll.stale_after, or narrow the "
            "project by directory_ids or job_types"
        ) == told[1]["advice"]

    async def test_a_project_that_is_stale_after_failures_points_at_them(
        self, cloud: Cloud
    ) -> None:
        """They say what to do."""
        with capture_logs() as logs:
            async with polling(cloud, rules={"stale_after": 1.0}, interval=0.1) as watch:
                await eventually(lambda: watch.view.gauges is not None)
                cloud.simulator.faults.add(Fault("status", code=403))
                await eventually(lambda: watch.view.gauges is None)
                cloud.simulator.faults.clear()
                await eventually(lambda: "project.listing_recovered" in named(logs, "project."))
                await eventually(lambda: watch.view.gauges is not None)
        assert [
            "project.listing_failed",
            "project.stale",
            "project.listing_recovered",
        ] == named(logs, "project.")[1:]
        (stale,) = (line for line in logs if line["event"] == "project.stale")
        assert (
            "its active jobs are withdrawn until it is listed again; see the last "
            "project.listing_failed"
        ) == stale["advice"]


class TestRefreshing:
    """Jobs that cannot be refreshed."""

    async def test_a_job_that_fails_now_and_then_is_told_once(self, cloud: Cloud) -> None:
        """Its recovery too, when it has lasted for some polls."""
        cloud.add_job()
        with capture_logs() as logs:
            async with polling(cloud, interval=0.1) as watch:
                for _ in range(4):
                    cloud.simulator.faults.add(
                        Fault("status", code=422, endpoint="job_status", times=1)
                    )
                    partial, success = watch.polls("partial"), watch.polls("success")
                    await eventually(lambda: watch.polls("partial") > partial)  # noqa: B023
                    await eventually(lambda: watch.polls("success") > success)  # noqa: B023
                assert ["job.refresh_failed"] == named(logs, "job.refresh_")
                await eventually(lambda: "job.refresh_recovered" in named(logs, "job."))
        assert ["job.refresh_failed", "job.refresh_recovered"] == named(logs, "job.refresh_")

    async def test_trouble_ends_with_the_last_job_that_had_it(self) -> None:
        """Nobody asks for a job that left, so no answer can tell."""
        reports = Reports("invoices", key_origin="LLAMA_CLOUD_API_KEY")
        with capture_logs() as logs:
            error = RequestTimedOut("no answer")
            reports.refresh_failed("job-1", error.failure())
            for _ in range(20):
                reports.poll_ended(lambda _: True)
            assert ["job.refresh_failed"] == named(logs, "job.")
            for _ in range(20):
                reports.poll_ended(lambda _: False)
        assert ["job.refresh_failed", "job.refresh_recovered"] == named(logs, "job.")
        assert "timeout" == logs[1]["reason"]
