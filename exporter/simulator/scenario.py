"""The demo: projects whose jobs and batches are created, run, fail and end by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from exporter.simulator.arrivals import DEMO_PROJECTS, arriving_jobs
from exporter.simulator.lives import Lives
from exporter.simulator.plans import NEVER, job_at
from exporter.simulator.v2.arrivals import arriving_batches
from exporter.simulator.v2.plans import batch_at

if TYPE_CHECKING:
    from exporter.simulator.v2.plans import BatchPlan
    from exporter.simulator.world import SimulatedJob, World

DEFAULT_SEED: Final = 2026
ENDED_JOBS_KEPT_SECONDS: Final = 3 * 3600.0
ENDED_JOBS_KEPT_PER_PROJECT: Final = 100
ENDED_BATCHES_KEPT: Final = 40
_ADVANCE_EVERY_SECONDS = 1.0


class Scenario:
    """Fills a world with the demo's keys, jobs and batches, history included, and updates it.

    The world at any moment follows from the seed, the speed and the time since it opened. A clock
    that is set back does not set the world back. Durations of work are divided by ``speed``.
    """

    def __init__(self, world: World, speed: float = 1.0, seed: int = DEFAULT_SEED) -> None:
        if speed <= 0:
            raise ValueError(f"the speed must be greater than 0, not {speed}")
        self._world = world
        self._now = world.clock()
        setting = {"opened_at": self._now, "speed": speed}
        self._jobs = Lives(
            (arriving_jobs(project, seed=seed, **setting) for project in DEMO_PROJECTS),
            kept_seconds=ENDED_JOBS_KEPT_SECONDS,
        )
        self._batches = Lives(
            (arriving_batches(project, seed=seed, **setting) for project in DEMO_PROJECTS),
            kept_seconds=ENDED_JOBS_KEPT_SECONDS,
        )
        self._ended_batches: list[BatchPlan] = []
        for project in DEMO_PROJECTS:
            world.add_key(project.key, project.project_id)
        self.advance()

    def advance(self) -> None:
        """Update the world to the time of its clock."""
        self._now = max(self._now, self._world.clock())
        for job in self._jobs.changing(self._now):
            self._world.add_job(job_at(job, self._now))
        for batch in self._batches.changing(self._now):
            self._world.add_batch(batch_at(batch, self._now))
            if batch.ended_at <= self._now:
                self._ended_batches.append(batch)
        for project in DEMO_PROJECTS:
            self._forget(self._world.jobs_of(project.project_id))
        self._forget_batches()

    async def run(self) -> None:
        """Update the world about once a second until cancelled."""
        while True:
            self.advance()
            await asyncio.sleep(_ADVANCE_EVERY_SECONDS)

    def _forget(self, jobs: list[SimulatedJob]) -> None:
        """Remove ended jobs that are old or too many, so that a demo may run for months."""
        ended = [job for job in jobs if job.completed_at is not None]
        newest_first = sorted(ended, key=lambda job: job.completed_at or NEVER, reverse=True)
        oldest_kept = self._now - ENDED_JOBS_KEPT_SECONDS
        for rank, job in enumerate(newest_first):
            old = (job.completed_at or NEVER) < oldest_kept
            if old or rank >= ENDED_JOBS_KEPT_PER_PROJECT:
                self._world.remove_job(job.id)

    def _forget_batches(self) -> None:
        """Remove ended batches in the same way, with their file jobs."""
        self._ended_batches.sort(key=lambda batch: (batch.ended_at, batch.id), reverse=True)
        oldest_kept = self._now - ENDED_JOBS_KEPT_SECONDS
        old = sum(batch.ended_at < oldest_kept for batch in self._ended_batches)
        kept = min(len(self._ended_batches) - old, ENDED_BATCHES_KEPT)
        for batch in self._ended_batches[kept:]:
            self._world.remove_batch(batch.id)
            for file in batch.files:
                self._world.file_jobs.pop(file.job_id, None)
        del self._ended_batches[kept:]
