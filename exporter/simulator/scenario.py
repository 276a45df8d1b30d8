"""The demo: two projects whose jobs come, run, fail and end all by themselves."""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING, Final

from exporter.simulator.arrivals import DEMO_PROJECTS, arriving_jobs
from exporter.simulator.plans import NEVER, job_at

if TYPE_CHECKING:
    from exporter.simulator.plans import JobPlan
    from exporter.simulator.world import SimulatedJob, World

DEFAULT_SEED: Final = 2026
ENDED_JOBS_KEPT_SECONDS: Final = 3 * 3600.0
ENDED_JOBS_KEPT_PER_PROJECT: Final = 100
_ADVANCE_EVERY_SECONDS = 1.0


class Scenario:
    """Fills a world with the demo's keys and jobs, history included, and moves it on.

    The world at any moment follows from the seed, the speed and the time since it opened; a clock
    that is set back does not set the world back. ``speed`` divides how long all work takes.
    """

    def __init__(self, world: World, speed: float = 1.0, seed: int = DEFAULT_SEED) -> None:
        if speed <= 0:
            raise ValueError(f"the speed must be greater than 0, not {speed}")
        self._world = world
        self._now = world.clock()
        streams = (
            arriving_jobs(project, seed=seed, opened_at=self._now, speed=speed)
            for project in DEMO_PROJECTS
        )
        self._arriving = heapq.merge(*streams, key=lambda plan: plan.created_at)
        self._next = next(self._arriving)
        self._unfinished: dict[str, JobPlan] = {}
        for project in DEMO_PROJECTS:
            world.add_key(project.key, project.project_id)
        self.advance()

    def advance(self) -> None:
        """Move the world to what its clock shows."""
        self._now = max(self._now, self._world.clock())
        self._admit()
        for plan in list(self._unfinished.values()):
            self._world.add_job(job_at(plan, self._now))
            if plan.ended_at <= self._now:
                del self._unfinished[plan.id]
        for project in DEMO_PROJECTS:
            self._forget(self._world.jobs_of(project.project_id))

    async def run(self) -> None:
        """Move the world on about once a second until cancelled."""
        while True:
            self.advance()
            await asyncio.sleep(_ADVANCE_EVERY_SECONDS)

    def _admit(self) -> None:
        oldest_kept = self._now - ENDED_JOBS_KEPT_SECONDS
        while self._next.created_at <= self._now:
            if self._next.ended_at > oldest_kept:
                self._unfinished[self._next.id] = self._next
            self._next = next(self._arriving)

    def _forget(self, jobs: list[SimulatedJob]) -> None:
        """Drop ended jobs that are old or too many, so that a demo may run for months."""
        ended = [job for job in jobs if job.completed_at is not None]
        newest_first = sorted(ended, key=lambda job: job.completed_at or NEVER, reverse=True)
        oldest_kept = self._now - ENDED_JOBS_KEPT_SECONDS
        for rank, job in enumerate(newest_first):
            old = (job.completed_at or NEVER) < oldest_kept
            if old or rank >= ENDED_JOBS_KEPT_PER_PROJECT:
                self._world.remove_job(job.id)
