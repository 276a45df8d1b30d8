"""Trouble that lasts is told once, and once more when it is over."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from cloud import Cloud
from polling import eventually, polling
from structlog.testing import capture_logs

from exporter.poller import ListingPlan
from exporter.simulator import Paging

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
                cloud, interval=0.1, full_listing_every=0.5, listing=ListingPlan(max_pages=2)
            ) as watch:
                await eventually(lambda: watch.view.listing_truncated is False)
                cloud.simulator.jobs_paging = Paging(max_rows=10)
                await eventually(lambda: named(logs, "project.listing_") != [])
                polls = watch.polls("success")
                await eventually(lambda: watch.polls("success") >= polls + 12)
                assert watch.view.listing_truncated
                assert ["project.listing_truncated"] == named(logs, "project.listing_")
                cloud.simulator.jobs_paging = Paging()
                await eventually(lambda: watch.view.listing_truncated is False)
        assert ["project.listing_truncated", "project.listing_whole_again"] == named(
            logs, "project.listing_"
        )
