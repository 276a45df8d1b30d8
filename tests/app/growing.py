"""Jobs in which items end, and that end themselves, while the exporter is killed and started."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from exporter.simulator import items_of

if TYPE_CHECKING:
    from tests.support.cloud import Cloud

_ITEMS = 40


class GrowingJobs:
    """Owns what happened to jobs that began after the exporter; ``failed`` are their items."""

    def __init__(self, cloud: Cloud, seed: int) -> None:
        self.failed = 0
        self.completed = 0
        self.ended = 0
        self._cloud = cloud
        self._random = Random(seed)  # noqa: S311 - it decides nothing secret
        self._numbers: dict[str, tuple[int, int]] = {}
        self._created = 0

    def move(self) -> None:
        """Let some items end, and perhaps a job begin or end."""
        if len(self._numbers) < 3:
            self._created += 1
            self._numbers[f"job-{self._created}"] = 0, 0
        for job_id, (failed, completed) in [*self._numbers.items()]:
            more_failed, more_completed = self._random.randint(0, 2), self._random.randint(0, 4)
            more_completed = min(more_completed, _ITEMS - failed - completed - more_failed)
            if more_completed < 0:
                more_failed = more_completed = 0
            self.failed += more_failed
            self.completed += more_completed
            self._numbers[job_id] = failed + more_failed, completed + more_completed
            ends = sum(self._numbers[job_id]) == _ITEMS or self._random.random() < 0.05
            self._put(job_id, ends=ends)

    def end(self) -> None:
        """Let all jobs end as they are."""
        for job_id in [*self._numbers]:
            self._put(job_id, ends=True)

    def _put(self, job_id: str, *, ends: bool) -> None:
        failed, completed = self._numbers[job_id]
        left = _ITEMS - failed - completed
        if ends:
            self.completed += left
            completed, left = completed + left, 0
        now = self._cloud.world.clock()
        known = self._cloud.world.jobs.get(job_id)
        created_at = known.created_at if known is not None else now
        self._cloud.add_job(
            job_id,
            created_at=created_at,
            started_at=created_at,
            status="completed" if ends else "running",
            completed_at=now if ends else None,
            items=items_of(
                job_id, failed=failed, completed=completed, pending=left, started_at=created_at
            ),
        )
        if ends:
            self.ended += 1
            del self._numbers[job_id]
