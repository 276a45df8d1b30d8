"""Whoever waits for jobs to leave is never told to wait for a moment that has passed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from history import EPOCH, RULES, batches, job

from exporter.core.actions import ListJobs, WaitUntil
from exporter.core.project import ProjectCore
from exporter.domain import JobStatus, Listing

DAY = 86_400.0


@pytest.mark.parametrize("max_jobs", [0, 5, 500])
def test_each_wait_is_for_a_later_moment(max_jobs: int) -> None:
    """Also where jobs leave at moments that no float holds exactly, and above the cap."""
    rules = replace(RULES, max_jobs=max_jobs, retention_finished=DAY)
    core, now = ProjectCore(rules, 1000.1), 1000.1
    ended = tuple(
        job(
            f"job-{number}",
            status=JobStatus.COMPLETED,
            created_at=EPOCH - DAY,
            completed_at=EPOCH - DAY + 0.7 + 590.3 * number / 97,
        )
        for number in range(97)
    )
    waits = 0
    while now < 1000.1 + 700:
        action = core.next_action(now, may_refresh=False)
        if isinstance(action, ListJobs):
            listing = Listing(ended, now, EPOCH + now - 1000.1, EPOCH + now - 1000.1)
            for batch in batches(listing, now):
                core.receive(batch, now)
            ended = ()
        else:
            assert isinstance(action, WaitUntil)
            assert action.moment > now
            now, waits = action.moment, waits + 1
    assert core.view(now).tracked_jobs == 0
    assert waits < 500
