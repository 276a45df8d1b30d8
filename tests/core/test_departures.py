"""Jobs that leave disturb nothing else, however many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.core import departures, job_table, retention
from exporter.core.actions import ListJobs, WaitUntil
from exporter.core.observations import TimePassed
from exporter.core.project import ProjectCore
from exporter.domain import ItemsCounted, Job, JobRefreshed, JobStatus, Listing
from tests.support.history import EPOCH, RULES, answered, counts, job, parts

if TYPE_CHECKING:
    from exporter.core.rules import Rules

DAY = 86_400.0


def core_with_ended(number: int, rules: Rules, *, hours_ago: float = 0.0) -> ProjectCore:
    """List jobs that failed one after the other, up to a while ago."""
    core = ProjectCore(rules, 1000.0)
    action = core.next_action(1000.0)
    assert isinstance(action, ListJobs)
    listing = Listing(tuple(ended(n, hours_ago) for n in range(number)), 1000.0, EPOCH, EPOCH)
    for part in parts(listing, 1000.0):
        core.receive(part, 1000.0)
    return core


def ended(number: int, hours_ago: float) -> Job:
    completed_at = EPOCH - hours_ago * 3600 - 0.7 - number * 6.1
    return job(
        f"job-{number:04}",
        status=JobStatus.FAILED,
        created_at=EPOCH - DAY,
        completed_at=completed_at,
    )


@pytest.mark.parametrize("max_jobs", [0, 5, 500])
def test_the_next_listing_is_due_as_ever_while_jobs_leave(max_jobs: int) -> None:
    """Also above the cap, where each that leaves makes room for another."""
    rules = replace(RULES, max_jobs=max_jobs, retention_finished=300.0, retention_failed=300.0)
    core = core_with_ended(49, rules)
    for number in range(49):
        answer(core, ended(number, hours_ago=0.0), 1000.0)
    assert core.view(1000.0).tracked_jobs == 49
    for second in range(1001, 1030):
        core.receive(TimePassed(), float(second))
        assert WaitUntil(1030.0) == core.next_action(float(second), may_refresh=False)
    assert core.view(1029.0).tracked_jobs < 49
    core.receive(TimePassed(), 1000.0 + 300.0)
    assert core.view(1300.0).tracked_jobs == 0


def answer(core: ProjectCore, row: Job, moment: float) -> None:
    """Answer all requests for an ended job."""
    core.receive(answered(JobRefreshed(row, 1.0, moment, EPOCH), moment), moment)
    counted = ItemsCounted(row.id, counts(failed=10), moment, EPOCH)
    core.receive(answered(counted, moment), moment)


def test_thousands_of_jobs_leave_at_once_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are ranked once, and not once for each that leaves."""
    rankings: list[Any] = []

    def counted_rank(*args: Any) -> Any:
        rankings.append(args)
        return retention.rank(*args)

    core = core_with_ended(3000, replace(RULES, retention_failed=7200.0, max_jobs=50))
    monkeypatch.setattr(job_table, "rank", counted_rank)
    core.receive(TimePassed(), 1000.0 + 30_000.0)
    assert core.view(31_000.0).tracked_jobs == 0
    assert len(rankings) <= 2 * 3000


def test_an_answer_about_one_job_reads_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of ended jobs are refreshed one after the other at a start."""
    looks: list[Any] = []

    def counted_checks(*args: Any) -> bool:
        looks.append(args)
        return retention.is_time_over(*args)

    monkeypatch.setattr(departures, "is_time_over", counted_checks)
    core = core_with_ended(1000, RULES, hours_ago=2)
    looks.clear()
    for number in range(100):
        answer(core, ended(number, hours_ago=2), 1001.0 + number / 100)
    assert len(looks) <= 2 * 100
    assert core.view(1002.0).tracked_jobs == 1000
