"""The content of the simulated LlamaCloud: plain values that tests and scenarios may change.

Times are Unix seconds by the world's clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.simulator.v2.batches import FileJobType, SimulatedBatch, SimulatedFileJob

DEFAULT_PROJECT_ID: Final = "7c1d6f1e-0000-4000-8000-000000000001"


class Omit(Enum):
    """The type of ``OMIT``."""

    OMIT = "omit"


OMIT: Final = Omit.OMIT


@dataclass(slots=True)
class SimulatedItem:
    """One document of a job; ``overrides`` replace fields of its JSON, ``OMIT`` removes one."""

    item_id: str
    item_name: str
    status: str = "pending"
    started_at: float | None = None
    completed_at: float | None = None
    error_message: str | None = None
    skip_reason: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class SimulatedJob:
    """One batch job; its counts are those of its items.

    ``overrides`` replace fields of its JSON, ``OMIT`` removes one. ``status_overrides`` do so in
    status answers alone, which then contradict the list. If left out, ``updated_at`` is the latest
    other time, and ``progress_percentage`` is computed from the items.
    """

    id: str
    job_type: str = "parse"
    status: str = "running"
    project_id: str = DEFAULT_PROJECT_ID
    items: list[SimulatedItem] = field(default_factory=list)
    directory_id: str | None = None
    created_at: float | None = None
    started_at: float | None = None
    completed_at: float | None = None
    updated_at: float | None = None
    error_message: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    status_overrides: dict[str, Any] = field(default_factory=dict)
    progress_percentage: float | None = None


@dataclass(slots=True)
class World:
    """The content of one simulated LlamaCloud; ``keys`` maps a key to its default project.

    ``jobs`` are those of v1beta, ``batches`` and their ``file_jobs`` those of v2.
    """

    clock: Callable[[], float] = time.time
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    jobs: dict[str, SimulatedJob] = field(default_factory=dict)
    batches: dict[str, SimulatedBatch] = field(default_factory=dict)
    file_jobs: dict[str, SimulatedFileJob] = field(default_factory=dict)
    _further_projects: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def add_key(self, key: str, project_id: str, *further_project_ids: str) -> None:
        """Accept ``key`` for its default project and any further ones."""
        self.keys[key] = project_id
        self._further_projects[key] = further_project_ids

    def projects_of(self, key: str) -> tuple[str, ...]:
        """Return the projects that a known key may read, its default first."""
        return (self.keys[key], *self._further_projects.get(key, ()))

    def add_job(self, job: SimulatedJob) -> SimulatedJob:
        """Add ``job``, created now unless it has a creation time."""
        if job.created_at is None:
            job.created_at = self.clock()
        self.jobs[job.id] = job
        return job

    def remove_job(self, job_id: str) -> None:
        """Remove a job: it is no longer listed, and requests for it get 404."""
        del self.jobs[job_id]

    def jobs_of(self, project_id: str) -> list[SimulatedJob]:
        """Return a project's jobs, oldest first."""
        # list() copies at once, so that another thread may add jobs meanwhile.
        jobs = [job for job in list(self.jobs.values()) if job.project_id == project_id]
        return sorted(jobs, key=lambda job: job.created_at or 0.0)

    def add_batch(self, batch: SimulatedBatch) -> SimulatedBatch:
        """Add ``batch`` and its files' jobs, created now unless they have creation times."""
        if batch.created_at is None:
            batch.created_at = self.clock()
        for file in batch.files:
            if file.job is not None:
                file.job.project_id = file.job.project_id or batch.project_id
                self.add_file_job(file.job)
        self.batches[batch.id] = batch
        return batch

    def add_file_job(self, job: SimulatedFileJob) -> SimulatedFileJob:
        """Add a file job; by default it is of the default project and created now."""
        job.project_id = job.project_id or DEFAULT_PROJECT_ID
        if job.created_at is None:
            job.created_at = self.clock()
        self.file_jobs[job.id] = job
        return job

    def remove_batch(self, batch_id: str) -> None:
        """Remove a batch: it is not listed, and requests for it get 404. Its file jobs stay."""
        del self.batches[batch_id]

    def remove_file_job(self, job_id: str) -> None:
        """Remove a file job: it is no longer listed, even if a batch refers to it."""
        del self.file_jobs[job_id]

    def batches_of(self, project_id: str) -> list[SimulatedBatch]:
        """Return a project's batches, oldest first."""
        batches = [one for one in list(self.batches.values()) if one.project_id == project_id]
        return sorted(batches, key=lambda batch: batch.created_at or 0.0)

    def file_jobs_of(
        self, project_id: str, job_type: FileJobType, ids: Iterable[str] | None = None
    ) -> list[SimulatedFileJob]:
        """Return a project's file jobs of one type, oldest first; if ``ids``, of those."""
        if ids is None:
            held = list(self.file_jobs.values())
        else:
            # Worlds of a test may hold 200,000: they are found by id, not by a search.
            held = [job for one in dict.fromkeys(ids) if (job := self.file_jobs.get(one))]
        jobs = [job for job in held if (job.project_id, job.type) == (project_id, job_type)]
        return sorted(jobs, key=lambda job: job.created_at or 0.0)


def items_of(
    job_id: str,
    *,
    started_at: float | None = None,
    completed_at: float | None = None,
    **count_by_status: int,
) -> list[SimulatedItem]:
    """Build items of a job: ``items_of("job-1", completed=3, failed=1)`` returns four.

    Those that are no longer pending get ``started_at``, those that ended get ``completed_at``.
    """
    statuses = [status for status, count in count_by_status.items() for _ in range(count)]
    return [
        SimulatedItem(
            item_id=f"{job_id}-item-{number:05d}",
            item_name=f"document-{number:05d}.pdf",
            status=status,
            started_at=None if status == "pending" else started_at,
            completed_at=None if status in {"pending", "processing"} else completed_at,
            error_message="The document could not be read" if status == "failed" else None,
            skip_reason="already_processed" if status == "skipped" else None,
        )
        for number, status in enumerate(statuses, start=1)
    ]
