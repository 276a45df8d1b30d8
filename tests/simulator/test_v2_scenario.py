"""The demo's batches under a controlled clock: they progress, and few of them stay."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

import pytest

from exporter.llamacloud.failure_reasons import failure_reason
from exporter.simulator import DEMO_PROJECTS, DemoProject, Scenario, SimulatedBatch, World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.simulator import SimulatedFile

OPENED_AT = 1_800_000_000.0
MINUTE = 60.0
HOUR = 3600.0
SEEDS = (2026, 1, 2, 3)
PROJECTS = [project for project in DEMO_PROJECTS if project.batch_types]
BATCH_STAGE = {"PENDING": 0, "THROTTLED": 1, "RUNNING": 2}
JOB_STAGE = {"PENDING": 0, "THROTTLED": 0, "RUNNING": 1}
ENDED = 3


class Demo:
    """A scenario whose time passes on demand."""

    def __init__(self, *, speed: float = 1.0, seed: int = SEEDS[0]) -> None:
        self.now = OPENED_AT
        self.world = World(clock=lambda: self.now)
        self.scenario = Scenario(self.world, speed=speed, seed=seed)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, then the world."""
        self.now += seconds
        self.scenario.advance()

    def batches(self, project: DemoProject) -> list[SimulatedBatch]:
        """Return the batches of one project, oldest first."""
        return self.world.batches_of(project.project_id)


@cache
def just_opened(seed: int) -> Demo:
    """Return a shared demo for reading; a test that changes one must create its own."""
    return Demo(seed=seed)


def file_state(file: SimulatedFile) -> str:
    if file.job is None:
        return "unmapped" if file.error_message is None else "mapping error"
    return file.job.status


def file_states(batches: Iterable[SimulatedBatch]) -> Counter[str]:
    return Counter(file_state(file) for batch in batches for file in batch.files)


def test_one_project_shows_both_generations_and_another_v2_alone() -> None:
    """A third project has v1beta alone."""
    world = just_opened(SEEDS[0]).world
    shown = {
        project.name: (
            bool(world.jobs_of(project.project_id)),
            bool(world.batches_of(project.project_id)),
        )
        for project in DEMO_PROJECTS
    }
    expected = {"invoices": (True, True), "contracts": (True, False), "reports": (False, True)}
    assert expected == shown


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_scrape_is_interesting(project: DemoProject, seed: int) -> None:
    """Each project opens with batches in every status, and file jobs in every state."""
    batches = just_opened(seed).batches(project)
    assert set(BATCH_STAGE) | {"COMPLETED", "FAILED", "CANCELLED"} == {
        batch.status for batch in batches
    }
    assert {"PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"} <= set(file_states(batches))
    assert {"mapping error", "unmapped"} < set(file_states(batches))
    assert {"parse_v2", "extract_v2"} == {batch.job_type for batch in batches}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_thousand_files_are_in_the_midst_of_parsing(seed: int) -> None:
    """Their batch is COMPLETED, that is mapped, while file jobs run; one file is mapped late."""
    demo = Demo(seed=seed)
    (large,) = [
        batch
        for batch in demo.batches(PROJECTS[-1])
        if len(batch.files) == 1000 and batch.created_at == OPENED_AT - 2 * MINUTE
    ]
    assert (large.status, large.job_type) == ("COMPLETED", "parse_v2")
    states = file_states([large])
    assert states["unmapped"] == 1
    assert min(states["PENDING"], states["RUNNING"], states["COMPLETED"]) >= 10

    demo.pass_time(15 * MINUTE)
    later = file_states([demo.world.batches[large.id]])
    assert set(later) <= {"COMPLETED", "FAILED", "mapping error"}


@pytest.mark.parametrize("seed", SEEDS)
def test_failed_files_say_why(seed: int) -> None:
    """Most failed jobs and mapping errors have LlamaCloud's codes; nothing else has a message."""
    world = just_opened(seed).world
    jobs = world.file_jobs.values()
    assert all(job.error_message is None for job in jobs if job.status != "FAILED")
    failed = [failure_reason(job.error_message) for job in jobs if job.status == "FAILED"]
    assert {"none", "pdf_is_broken"} < set(failed)
    assert len(failed) > 2 * (failed.count("none") + failed.count("other"))
    mapping_errors = [
        file.error_message
        for batch in world.batches.values()
        for file in batch.files
        if file_state(file) == "mapping error"
    ]
    assert "unsupported_file_type" in {failure_reason(message) for message in mapping_errors}


def test_extract_jobs_are_throttled_while_they_wait_and_carry_results() -> None:
    """Parse jobs are never throttled."""
    jobs = list(just_opened(SEEDS[0]).world.file_jobs.values())
    waiting = {(job.type, job.status) for job in jobs if JOB_STAGE.get(job.status) == 0}
    assert {("parse_v2", "PENDING"), ("extract_v2", "THROTTLED")} == waiting
    assert all((job.extract_result is not None) == (job.type == "extract_v2") for job in jobs)


def test_every_batch_begins_and_ends() -> None:
    """Within an hour the first batches complete; failed and cancelled ones keep their files."""
    demo = Demo()
    rush = [one.id for one in demo.world.batches.values() if one.status in BATCH_STAGE]
    demo.pass_time(HOUR)
    assert {"COMPLETED"} == {demo.world.batches[batch_id].status for batch_id in rush}
    for batch in demo.world.batches.values():
        states = file_states([batch])
        if batch.status == "CANCELLED":
            assert states["CANCELLED"] > 0
            assert states["COMPLETED"] > 0
        if batch.status == "FAILED":
            assert states["unmapped"] > 0
            assert states["CANCELLED"] == 0


def stage(status: str, stages: dict[str, int]) -> int:
    return stages.get(status, ENDED)


def assert_moved_forward(before: SimulatedBatch, after: SimulatedBatch) -> None:
    """Assert that a batch and its files never moved backwards."""
    assert stage(after.status, BATCH_STAGE) >= stage(before.status, BATCH_STAGE)
    assert (after.updated_at or 0.0) >= (before.updated_at or 0.0)
    for old, new in zip(before.files, after.files, strict=True):
        assert new.id == old.id
        assert old.error_message in {None, new.error_message}
        if old.job is not None:
            assert new.job is not None
            assert (new.job.id, new.job.created_at) == (old.job.id, old.job.created_at)
            assert stage(new.job.status, JOB_STAGE) >= stage(old.job.status, JOB_STAGE)
            assert (new.job.updated_at or 0.0) >= (old.job.updated_at or 0.0)


@pytest.mark.parametrize("step_seconds", [3.1, 47.0])
def test_nothing_goes_back(step_seconds: float) -> None:
    """At each step batches and file jobs only move forward, and no time lies in the future."""
    demo = Demo()
    before = dict(demo.world.batches)
    for _ in range(10):
        demo.pass_time(step_seconds)
        after = dict(demo.world.batches)
        for batch_id in before.keys() & after.keys():
            assert_moved_forward(before[batch_id], after[batch_id])
        assert all((job.updated_at or 0.0) <= demo.now for job in demo.world.file_jobs.values())
        before = after


def test_the_same_seed_shows_the_same_batches() -> None:
    """The steps of time do not matter, and another seed gives other batches."""
    leaping, stepping, other = Demo(seed=7), Demo(seed=7), Demo(seed=8)
    leaping.pass_time(5 * MINUTE)
    for _ in range(10):
        stepping.pass_time(30.0)
    assert stepping.world.batches == leaping.world.batches
    assert stepping.world.file_jobs == leaping.world.file_jobs
    assert not set(other.world.batches) & set(leaping.world.batches)


def test_a_clock_that_is_set_back_does_not_set_the_batches_back() -> None:
    """They wait until the clock has caught up."""
    demo = Demo()
    demo.pass_time(MINUTE)
    before = deepcopy(demo.world.batches)
    demo.pass_time(-MINUTE)
    assert demo.world.batches == before


def test_a_long_run_stays_small() -> None:
    """Ended batches leave with their file jobs, so only those of the last batches are left."""
    demo = Demo(speed=50.0)
    for _ in range(16):
        demo.pass_time(36.0)
    batches = demo.world.batches.values()
    assert len(batches) <= 50
    assert len(demo.world.file_jobs) <= 10_000
    assert {file.job.id for one in batches for file in one.files if file.job} == set(
        demo.world.file_jobs
    )
