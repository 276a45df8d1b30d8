"""A server that makes up jobs without end does not fill the memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from exporter.core.project import ProjectCore
from exporter.domain import Job, JobStatus
from tests.support.history import EPOCH, RULES, job, table_of
from tests.support.virtual_time import list_now


def made_up(listing: int, number: int, *, ended: bool) -> list[Job]:
    """Describe jobs that no listing showed before."""
    facts: dict[str, Any] = {"created_at": EPOCH + 30 * listing}
    if ended:
        facts |= {"status": JobStatus.COMPLETED, "completed_at": EPOCH + 30 * listing}
    return [job(f"job-{listing}-{n}", **facts) for n in range(number)]


def test_fresh_ids_in_every_listing_are_bounded_and_reported_until_their_end() -> None:
    """Whether the jobs are active or have ended."""
    for ended in (False, True):
        core = ProjectCore(replace(RULES, listing_max_requests=1), 0.0)
        bound = core.rules.max_tracked
        for listing in range(6):
            list_now(core, 30.0 * listing, *made_up(listing, 1000, ended=ended))
            assert core.view(30.0 * listing).tracked_jobs <= bound
        assert core.view(150.0).listing_truncated
        assert len(table_of(core).history.marks) <= bound + 1000
        list_now(core, 180.0, *made_up(0, 1000, ended=ended))
        assert core.view(180.0).listing_truncated is False
