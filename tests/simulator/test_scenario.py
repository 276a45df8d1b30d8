"""The demo's v1beta jobs under a controlled clock: they progress, and the demo stays small."""

from __future__ import annotations

import asyncio
from collections import Counter
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

import pytest

from exporter.llamacloud.failure_reasons import failure_reason
from exporter.simulator import DEMO_PROJECTS, DemoProject, Scenario, SimulatedJob, World

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENED_AT = 1_800_000_000.0
MINUTE = 60.0
HOUR = 3600.0
SEEDS = (2026, 1, 2, 3)
JOB_STAGE = {"pending": 0, "dispatched": 1, "running": 2}
ITEM_STAGE = {"pending": 0, "processing": 1}
ENDED = 3
PROJECTS = [project for project in DEMO_PROJECTS if project.job_types]


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

    @property
    def jobs(self) -> list[SimulatedJob]:
        """All jobs of both projects."""
        return list(self.world.jobs.values())


@cache
def just_opened(seed: int) -> Demo:
    """Return a shared demo for reading; a test that changes one must create its own."""
    return Demo(seed=seed)


def job_statuses(jobs: Iterable[SimulatedJob]) -> Counter[str]:
    return Counter(job.status for job in jobs)


def item_statuses(jobs: Iterable[SimulatedJob]) -> Counter[str]:
    return Counter(item.status for job in jobs for item in job.items)


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_scrape_is_interesting(project: DemoProject, seed: int) -> None:
    """Each project opens with jobs queued, running and ended in every way."""
    jobs = just_opened(seed).world.jobs_of(project.project_id)
    expected_jobs = {"pending", "running", "completed", "failed", "cancelled"}
    expected_items = {"pending", "processing", "completed", "failed", "skipped", "cancelled"}
    assert set(job_statuses(jobs)) - {"dispatched"} == expected_jobs
    assert set(item_statuses(jobs)) == expected_items
    assert {job.job_type for job in jobs} == {"parse", "extract", "classify"}
    assert all((job.error_message is not None) == (job.status == "failed") for job in jobs)


def test_jobs_in_the_midst_of_running_have_made_progress() -> None:
    """At the first scrape, running jobs are at different stages."""
    demo = just_opened(SEEDS[0])
    for project in PROJECTS:
        jobs = demo.world.jobs_of(project.project_id)
        running = item_statuses(job for job in jobs if job.status == "running")
        assert running["completed"] > 10
        assert running["pending"] > 10


@pytest.mark.parametrize("seed", SEEDS)
def test_failed_and_skipped_items_say_why(seed: int) -> None:
    """Most failed items have a message, often with a code; skipped ones have a known reason."""
    items = [item for job in just_opened(seed).jobs for item in job.items]
    assert all(item.error_message is None for item in items if item.status != "failed")
    failed = [failure_reason(item.error_message) for item in items if item.status == "failed"]
    assert {"none", "other", "pdf_is_broken", "timeout"} < set(failed)
    assert len(failed) > 2 * (failed.count("none") + failed.count("other"))
    reasons = {item.skip_reason for item in items if item.status == "skipped"}
    assert reasons == {"already_processed", "size_limit_exceeded"}
    assert all(item.skip_reason is None for item in items if item.status != "skipped")


@pytest.mark.parametrize("seed", SEEDS)
def test_one_job_is_stuck(seed: int) -> None:
    """It has been running for long, and none of its items ever ends."""
    demo = Demo(seed=seed)
    long_running = [
        job
        for job in demo.jobs
        if job.status == "running" and (job.started_at or OPENED_AT) < OPENED_AT - 45 * MINUTE
    ]
    (stuck,) = long_running
    before = deepcopy(stuck)
    assert set(item_statuses([stuck])) == {"pending", "processing"}
    demo.pass_time(HOUR)
    assert demo.world.jobs[stuck.id] == before


def test_jobs_last_minutes_and_new_ones_keep_arriving() -> None:
    """At the default speed 40 to 400 items take about one to ten minutes."""
    demo = Demo()
    known = set(demo.world.jobs)
    demo.pass_time(10 * MINUTE)
    assert len(set(demo.world.jobs) - known) >= 4
    completed = [job for job in demo.jobs if job.status == "completed"]
    assert all(40 <= len(job.items) <= 400 for job in completed)
    minutes = sorted(
        ((job.completed_at or 0.0) - (job.started_at or 0.0)) / MINUTE for job in completed
    )
    assert minutes[0] > 0.3
    assert 1.0 < minutes[len(minutes) // 2] < 5.0
    assert minutes[-1] < 15.0


def stage_of_job(job: SimulatedJob) -> int:
    return JOB_STAGE.get(job.status, ENDED)


def assert_moved_forward(before: SimulatedJob, after: SimulatedJob) -> None:
    """Assert that a job and its items never moved backwards."""
    assert stage_of_job(after) >= stage_of_job(before)
    if stage_of_job(before) == ENDED:
        assert after == before
    assert len(after.items) >= len(before.items)
    assert (after.updated_at or 0.0) >= (before.updated_at or 0.0)
    for old, new in zip(before.items, after.items, strict=False):
        assert new.item_id == old.item_id
        assert ITEM_STAGE.get(new.status, ENDED) >= ITEM_STAGE.get(old.status, ENDED)
        assert old.started_at in {None, new.started_at}
        assert old.completed_at in {None, new.completed_at}


@pytest.mark.parametrize("step_seconds", [2.3, 67.0])
def test_nothing_goes_back(step_seconds: float) -> None:
    """At each step jobs and items only move forward, and no time lies in the future."""
    demo = Demo()
    before = at_first = dict(demo.world.jobs)
    for _ in range(20):
        demo.pass_time(step_seconds)
        after = dict(demo.world.jobs)
        for job_id in before.keys() & after.keys():
            assert_moved_forward(before[job_id], after[job_id])
        assert all((job.updated_at or 0.0) <= demo.now for job in after.values())
        before = after
    assert any(
        stage_of_job(job) > stage_of_job(at_first[job.id])
        for job in before.values()
        if job.id in at_first
    )


def test_a_clock_that_is_set_back_does_not_set_the_world_back() -> None:
    """The world waits until the clock has caught up."""
    demo = Demo()
    demo.pass_time(5 * MINUTE)
    before = deepcopy(demo.world.jobs)
    demo.pass_time(-4 * MINUTE)
    assert demo.world.jobs == before


def test_an_ended_job_is_settled() -> None:
    """All its items are in an end state, and its times are in order."""
    demo = Demo()
    demo.pass_time(20 * MINUTE)
    ended = [job for job in demo.jobs if stage_of_job(job) == ENDED]
    assert ended
    for job in ended:
        assert set(item_statuses([job])) <= {"completed", "failed", "skipped", "cancelled"}
        moments = [job.created_at, job.started_at, job.completed_at]
        assert moments == sorted(moment or 0.0 for moment in moments)
        assert job.completed_at == job.updated_at


def test_the_same_seed_shows_the_same_day() -> None:
    """The steps of time do not matter, and another seed gives another day."""
    leaping, stepping, other = Demo(seed=7), Demo(seed=7), Demo(seed=8)
    leaping.pass_time(10 * MINUTE)
    for _ in range(20):
        stepping.pass_time(30.0)
    assert stepping.world.jobs == leaping.world.jobs
    assert not set(other.world.jobs) & set(leaping.world.jobs)


def test_speed_divides_how_long_work_takes() -> None:
    """At ten times the speed, ten minutes of work take one minute."""
    slow, fast = Demo(speed=1.0), Demo(speed=10.0)
    slow.pass_time(10 * MINUTE)
    fast.pass_time(1 * MINUTE)
    assert job_statuses(fast.jobs) == job_statuses(slow.jobs)
    assert item_statuses(fast.jobs) == item_statuses(slow.jobs)


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_speed_must_be_positive(speed: float) -> None:
    """At speed 0 the demo would never change."""
    with pytest.raises(ValueError, match="the speed must be greater than 0"):
        Demo(speed=speed)


@pytest.mark.parametrize(("speed", "step"), [(1.0, 10 * MINUTE), (50.0, 12.0)])
def test_a_long_run_stays_small(speed: float, step: float) -> None:
    """After eight hours, or the same at high speed, only the last hours' jobs are left."""
    demo = Demo(speed=speed)
    most = 0
    for _ in range(48):
        demo.pass_time(step)
        most = max(most, len(demo.world.jobs))
    assert most <= 230
    (stuck,) = [job for job in demo.jobs if (job.created_at or 0.0) < OPENED_AT]
    assert stuck.status == "running"
    oldest_end = min(job.completed_at for job in demo.jobs if job.completed_at is not None)
    assert oldest_end >= demo.now - 3 * HOUR


@pytest.mark.anyio
async def test_running_moves_the_world_until_cancelled() -> None:
    """The loop follows the clock without calls from the test."""
    demo = Demo()
    known = set(demo.world.jobs)
    was_read = asyncio.Event()

    def clock() -> float:
        was_read.set()
        return OPENED_AT + HOUR

    demo.world.clock = clock
    running = asyncio.create_task(demo.scenario.run())
    async with asyncio.timeout(10):
        await was_read.wait()
    assert set(demo.world.jobs) - known
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
