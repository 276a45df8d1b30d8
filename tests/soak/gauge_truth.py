"""What the gauges of the projects must say, from the jobs that the same exposition shows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from soak.exposition import series
from soak.history import ITEM_STATUSES, JOB_STATUSES, JOB_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soak.exposition import Exposition, JobSamples, Series
    from soak.projects import SoakProject

_ACTIVE = ("pending", "throttled", "running", "dispatched", "unknown")
_ITEMS_SHOWN = (0, len(ITEM_STATUSES))


def jobs_in_parts(exposition: Exposition) -> list[str]:
    """Say which jobs are published, but not wholly."""
    wrong = []
    for job_id, samples in exposition.jobs.items():
        statuses = [status for status in JOB_STATUSES if samples.get(("status", status)) == 1.0]
        parts = Counter(name for name, _ in samples)
        whole = (
            len(statuses) == 1
            and (parts["status"], parts["info"], parts["total_items"]) == (len(JOB_STATUSES), 1, 1)
            and parts["items"] in _ITEMS_SHOWN
            and bool(parts["items"]) == bool(parts["items_last_counted_timestamp_seconds"])
            and samples.get(("items", "failed"), 0.0) == _failures(samples)
        )
        if not whole:
            wrong.append(f"{job_id} is there in part: {samples}")
    return wrong


def wrong_gauges(exposition: Exposition, projects: Iterable[SoakProject]) -> list[str]:
    """Say which gauges of projects contradict the jobs beside them."""
    wrong = []
    for project in projects:
        jobs = [
            samples
            for job_id, samples in exposition.jobs.items()
            if exposition.project_of[job_id] == project.name
        ]
        for key, expected in _expected(project, jobs).items():
            actual = exposition.samples.get(key)
            if actual != expected:
                wrong.append(f"{key[0]}{dict(key[1])}: expected {expected}, actual {actual}")
        wrong += _wrong_uncounted(project, jobs, exposition)
    return wrong


def _wrong_uncounted(
    project: SoakProject, jobs: list[JobSamples], exposition: Exposition
) -> list[str]:
    """Check the uncounted jobs: those that ended are uncounted until a count since their end."""
    key = series("llamacloud_exporter_uncounted_jobs", project=project.name)
    least = sum(map(_uncounted, jobs))
    ended = sum(_status(job) not in _ACTIVE and not _uncounted(job) for job in jobs)
    actual = exposition.samples.get(key)
    if actual is not None and least <= actual <= least + ended:
        return []
    return [f"{key[0]}{dict(key[1])}: expected {least} to {least + ended}, actual {actual}"]


def _expected(project: SoakProject, jobs: list[JobSamples]) -> dict[Series, float]:
    of = {"project": project.name}
    active = [job for job in jobs if _status(job) in _ACTIVE]
    expected = {
        series("llamacloud_batch_project_info", **of, **_info(project)): 1.0,
        series("llamacloud_exporter_tracked_jobs", **of): float(len(jobs)),
        series("llamacloud_exporter_hidden_jobs", **of): 0.0,
    }
    by_type_and_status = Counter((_type(job), _status(job)) for job in active)
    for job_type in JOB_TYPES:
        for status in _ACTIVE:
            key = series("llamacloud_batch_active_jobs", **of, job_type=job_type, status=status)
            expected[key] = float(by_type_and_status[job_type, status])
        failing = sum(_type(job) == job_type and _failing(job) for job in jobs)
        expected[series("llamacloud_batch_failing_jobs", **of, job_type=job_type)] = float(failing)
    for status in ITEM_STATUSES:
        number = sum(job.get(("items", status), 0.0) for job in active)
        expected[series("llamacloud_batch_active_items", **of, item_status=status)] = number
    return expected


def health(projects: Iterable[SoakProject]) -> Iterator[tuple[Series, float]]:
    """List what the exporter says of itself once all is well."""
    for project in projects:
        yield series("llamacloud_exporter_project_up", project=project.name), 1.0
        yield series("llamacloud_exporter_project_authenticated", project=project.name), 1.0
        yield series("llamacloud_exporter_listing_truncated", project=project.name), 0.0


def _info(project: SoakProject) -> dict[str, str]:
    return {"project_id": project.project_id, "organization_id": ""}


def _status(job: JobSamples) -> str:
    return next(status for status in JOB_STATUSES if job["status", status] == 1.0)


def _type(job: JobSamples) -> str:
    return next(labels for name, labels in job if name == "info").rpartition(",")[2]


def _uncounted(job: JobSamples) -> bool:
    return ("items", "pending") not in job


def _failures(job: JobSamples) -> float:
    return sum(number for (name, _), number in job.items() if name == "item_failures")


def _failing(job: JobSamples) -> bool:
    failed = max(job.get(("items", "failed"), 0.0), job.get(("failed_items", ""), 0.0))
    return _status(job) == "failed" or failed > 0
