"""Batches whose answers are odd: refused, late, or lacking what was requested."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from exporter.core.events import JobEnded, JobGivenUp, PollFinished, RefreshFailed
from exporter.domain import ItemStatus, JobStatus
from exporter.simulator.refusals import RefusedError
from tests.core.simulated import SimulatedPolling
from tests.core.test_policy_batches import finish, finished_items, put, v2_project
from tests.support.history import HOUR


def refuse_file_jobs(project: SimulatedPolling, code: int, *, until: float) -> None:
    """Have the list of parse jobs refuse all requests until a moment."""

    def answer(endpoint: str, _: str) -> None:
        if endpoint == "list_parse_jobs" and project.now < until:
            raise RefusedError(code, "no")

    project.client.in_its_place = answer


@pytest.mark.parametrize(("code", "files"), [(404, 1), (422, 2), (400, 10)])
def test_a_list_of_file_jobs_that_refuses_for_long_gives_up_nothing(code: int, files: int) -> None:
    """Each poll is partial meanwhile. The failures are reported when the list answers again."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, running=files)
    refuse_file_jobs(project, code, until=2400)
    project.run_until(2400)
    assert JobStatus.DISPATCHED is project.job("bat-1").status
    assert 1 == len(project.events_of(RefreshFailed))
    results = Counter(event.result for event in project.events_of(PollFinished))
    assert results["partial"] > results["success"]
    finish(project, batch, "FAILED", files)
    project.run_until(2700)
    assert files == finished_items(project, ItemStatus.FAILED)
    assert 1 == len(project.events_of(JobEnded))
    assert [] == project.events_of(JobGivenUp)


@pytest.mark.parametrize("code", [400, 404, 422])
def test_a_list_of_file_jobs_that_refuses_costs_few_requests(code: int) -> None:
    """Two more for each batch."""
    project = v2_project()
    project.run_until(45)
    for number in range(5):
        put(project, f"bat-{number}", "COMPLETED", created=44, running=100)
    refuse_file_jobs(project, code, until=HOUR)
    project.run_until(420)
    assert {"list_batches": 10, "batch": 50, "list_parse_jobs": 150} == project.counted(
        since=120, until=420
    )


def test_a_file_job_that_the_list_does_not_know_yet_is_followed_once_it_does() -> None:
    """However often it was refused before."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, running=20)
    young = batch.files[7].job
    assert young is not None

    def answer(endpoint: str, _: str) -> None:
        ids = project.client.sent[-1].params.get("job_ids", ())
        if endpoint == "list_parse_jobs" and young.id in ids and project.now < 250:
            raise RefusedError(404, "unknown job")

    project.client.in_its_place = answer
    project.run_until(500)
    assert 20 == (project.job("bat-1").items or {})[ItemStatus.PROCESSING]
    finish(project, batch, "FAILED", 20)
    project.run_until(700)
    assert 20 == finished_items(project, ItemStatus.FAILED)
    assert JobStatus.COMPLETED is project.job("bat-1").status


def test_a_reference_that_comes_after_completed_is_reported_while_others_move() -> None:
    """Within two intervals, not when all the others have stood still for long."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, running=50, unmapped=1)
    late = put(project, "other", created=44, failed=1, ended=50).files[0].job
    del project.world.batches["other"]
    project.every(600, lambda: finish(project, batch, "COMPLETED", 1))
    project.at(700, lambda: setattr(batch.files[-1], "job", late))
    project.run_until(770)
    assert 1 == finished_items(project, ItemStatus.FAILED)


def test_results_that_are_empty_for_minutes_after_completed_lose_no_failure() -> None:
    """The batch is not over with them."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, failed=5, ended=50)
    files, batch.files = batch.files, []
    project.at(600, lambda: setattr(batch, "files", files))
    project.run_until(590)
    assert JobStatus.DISPATCHED is project.job("bat-1").status
    project.run_until(800)
    assert 5 == finished_items(project, ItemStatus.FAILED)
    assert [5] == [event.job.total_items for event in project.events_of(JobEnded)]


def test_an_absence_of_v2_gives_up_no_file_job() -> None:
    """Two answers that lack ids, one before and one after it, are not thirty intervals of them."""
    project = SimulatedPolling()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, running=10)
    lacks: dict[str, Any] = {"items": [], "next_page_token": None}
    project.client.in_its_place = lambda endpoint, _: (
        lacks if endpoint == "list_parse_jobs" and project.now < 1060 else None
    )
    project.run_until(100)
    project.client.refused["v2"] = 404
    project.at(1000, project.client.refused.clear)
    project.run_until(1100)
    assert JobStatus.DISPATCHED is project.job("bat-1").status
    finish(project, batch, "FAILED", 10)
    project.run_until(1300)
    assert 10 == finished_items(project, ItemStatus.FAILED)
    assert [] == project.events_of(JobGivenUp)
