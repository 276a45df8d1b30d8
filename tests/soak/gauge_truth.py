"""The values that project gauges must have, from the jobs in the same exposition."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from tests.soak.batch_truth import contradictions_in
from tests.soak.exposition import series
from tests.soak.history import API_VERSIONS, ITEM_STATUSES, JOB_STATUSES, JOB_TYPES
from tests.soak.projects import STALE_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.soak.exposition import Exposition, JobSamples, Series
    from tests.soak.projects import SoakProject

_ACTIVE = ("pending", "throttled", "running", "dispatched", "unknown")
_ITEMS_SHOWN = (0, len(ITEM_STATUSES))
_NO_JOBS = Counter[str]()
# A complete listing is applied once those of the other generations have ended, which may hang.
_UNSURE_SECONDS = 15.0


def jobs_in_parts(exposition: Exposition) -> list[str]:
    """Report jobs that are published only in part."""
    wrong = []
    for job_id, samples in exposition.jobs.items():
        statuses = [status for status in JOB_STATUSES if samples.get(("status", status)) == 1.0]
        parts = Counter(name for name, _ in samples)
        whole = (
            len(statuses) == 1
            and (parts["status"], parts["info"]) == (len(JOB_STATUSES), 1)
            and parts["total_items"] == (not _is_batch(samples) or bool(parts["items"]))
            and parts["items"] in _ITEMS_SHOWN
            and bool(parts["items"]) == bool(parts["items_last_counted_timestamp_seconds"])
            and samples.get(("items", "failed"), 0.0) == _failures(samples)
        )
        contradictions = contradictions_in(samples) if whole and _is_batch(samples) else []
        if not whole or contradictions:
            wrong.append(f"{job_id} is there in part: {'; '.join(contradictions)} {samples}")
    return wrong


def wrong_gauges(
    exposition: Exposition,
    projects: Iterable[SoakProject],
    unread: Mapping[str, int] = _NO_JOBS,
) -> list[str]:
    """Report project gauges that contradict the jobs beside them.

    ``unread`` is how many batches of each project may be uncounted and not shown.
    """
    wrong = []
    for project in projects:
        jobs = [
            samples
            for job_id, samples in exposition.jobs.items()
            if exposition.project_of[job_id] == project.name
        ]
        certain, unsure = _stale_versions(exposition, project)
        found: list[list[str]] = [
            _wrong_of(project, jobs, exposition, certain | set(more), unread.get(project.name, 0))
            for size in range(len(unsure) + 1)
            for more in combinations(unsure, size)
        ]
        fewest = min(found, key=len)
        wrong += fewest
    return wrong


def _wrong_of(
    project: SoakProject,
    jobs: list[JobSamples],
    exposition: Exposition,
    stale: set[str],
    unread: int,
) -> list[str]:
    """Check one project, whose ``stale`` API generations are given."""
    wrong = [
        f"{project.name}: an active job of {_api_version(job)} is shown, which is stale"
        for job in jobs
        if _api_version(job) in stale and _status(job) in _ACTIVE
    ]
    wrong += _wrong_tracked(project, jobs, exposition, has_hidden=bool(stale))
    fresh = [job for job in jobs if _api_version(job) not in stale]
    is_stale = stale == set(API_VERSIONS)
    for key, number in _expected(project, fresh).items():
        expected, actual = None if is_stale else number, exposition.samples.get(key)
        if actual != expected:
            wrong.append(f"{key[0]}{dict(key[1])}: expected {expected}, actual {actual}")
    return wrong + ([] if is_stale else _wrong_uncounted(project, fresh, exposition, unread))


def _wrong_tracked(
    project: SoakProject, jobs: list[JobSamples], exposition: Exposition, *, has_hidden: bool
) -> list[str]:
    """Check the number of tracked jobs: active and stale ones are not shown."""
    key = series("llamacloud_exporter_tracked_jobs", project=project.name)
    actual, least = exposition.samples.get(key, -1.0), len(jobs)
    if actual == least or (has_hidden and actual > least):
        return []
    return [f"{key[0]}{dict(key[1])}: expected {least}, actual {actual}"]


def _wrong_uncounted(
    project: SoakProject, jobs: list[JobSamples], exposition: Exposition, unread: int
) -> list[str]:
    """Check the uncounted jobs: ended jobs are uncounted until a count since their end.

    A batch without results has nothing to count, unless it has ended without them.
    """
    key = series("llamacloud_exporter_uncounted_jobs", project=project.name)
    certain = [job for job in jobs if _uncounted(job)]
    unsure = [job for job in certain if _is_batch(job) and _status(job) != "completed"]
    ended = sum(_status(job) not in _ACTIVE and not _uncounted(job) for job in jobs)
    least = len(certain) - len(unsure)
    most = len(certain) + ended + unread
    actual = exposition.samples.get(key)
    if actual is not None and least <= actual <= most:
        return []
    return [f"{key[0]}{dict(key[1])}: expected {least} to {most}, actual {actual}"]


def _stale_versions(exposition: Exposition, project: SoakProject) -> tuple[set[str], set[str]]:
    """Return the API generations that are stale in a scrape, and those that may be.

    LlamaCloud's Date has whole seconds, and stale data is withdrawn a moment later.
    """
    certain, unsure = set(), set()
    for api_version in API_VERSIONS:
        answered_at = exposition.value(
            "llamacloud_exporter_api_last_answered_timestamp_seconds",
            project=project.name,
            api_version=api_version,
        )
        age_seconds = exposition.read_at - (answered_at or 0.0)
        if age_seconds > STALE_AFTER_SECONDS + _UNSURE_SECONDS:
            certain.add(api_version)
        elif age_seconds > STALE_AFTER_SECONDS:
            unsure.add(api_version)
    return certain, unsure


def _expected(project: SoakProject, jobs: list[JobSamples]) -> dict[Series, float]:
    of = {"project": project.name}
    active = [job for job in jobs if _status(job) in _ACTIVE]
    expected = {
        series("llamacloud_batch_project_info", **of, **_info(project)): 1.0,
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
    """Return what the exporter reports about itself once all faults are over."""
    for project in projects:
        yield series("llamacloud_exporter_project_up", project=project.name), 1.0
        yield series("llamacloud_exporter_project_authenticated", project=project.name), 1.0
        yield series("llamacloud_exporter_listing_truncated", project=project.name), 0.0
        for api_version in API_VERSIONS:
            of = {"project": project.name, "api_version": api_version}
            yield series("llamacloud_exporter_api_offered", **of), 1.0


def _info(project: SoakProject) -> dict[str, str]:
    return {"project_id": project.project_id, "organization_id": ""}


def _status(job: JobSamples) -> str:
    return next(status for status in JOB_STATUSES if job["status", status] == 1.0)


def _type(job: JobSamples) -> str:
    return next(labels for name, labels in job if name == "info").rpartition(",")[2]


def _api_version(job: JobSamples) -> str:
    return next(labels for name, labels in job if name == "info").partition(",")[0]


def _is_batch(job: JobSamples) -> bool:
    return _api_version(job) == "v2"


def _uncounted(job: JobSamples) -> bool:
    return ("items", "pending") not in job


def _failures(job: JobSamples) -> float:
    return sum(number for (name, _), number in job.items() if name == "item_failures")


def _failing(job: JobSamples) -> bool:
    failed = max(job.get(("items", "failed"), 0.0), job.get(("failed_items", ""), 0.0))
    return _status(job) == "failed" or failed > 0
