"""A project for each fault that an alert reports, and one healthy project."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.simulator import Fault, items_of
from tests.support.projects import key_of, project, project_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.cloud import Cloud

HEALTHY = "healthy"
SHOWN_JOBS = 3
SMALL_LIMITS: dict[str, Any] = {
    "poll": {"stale_after": "12s", "max_pages": 1},
    "items": {"max_pages": 1},
    "jobs": {"max_per_project": SHOWN_JOBS},
}
# More than the healthy project gets while the test waits.
ITEMS_A_PAGE = 400
# At a request a second it takes minutes to refresh them all.
SMALL_BUDGET: dict[str, Any] = {"api": {"requests_per_minute": 60}}
JOBS_FOR_A_SMALL_BUDGET = 60

_NOT_READ = {"LlamaCloudExporterListingFailing", "LlamaCloudExporterDataStale"}
# The alerts that fire for each project; no other may fire.
FIRES: dict[str, set[str]] = {
    HEALTHY: set(),
    "items-failed": {"LlamaCloudBatchItemsFailed"},
    "many-failed": {"LlamaCloudBatchItemsFailed", "LlamaCloudBatchFailureRatioHigh"},
    "job-failed": {"LlamaCloudBatchJobFailed", "LlamaCloudBatchItemsFailed"},
    "gone": {"LlamaCloudBatchJobGone"},
    "stuck": {"LlamaCloudBatchJobStuck"},
    "queued": {"LlamaCloudBatchJobQueuedTooLong"},
    "creeping": {"LlamaCloudBatchJobRunningTooLong", "LlamaCloudBatchProjectIdle"},
    "refused": {"LlamaCloudExporterProjectNotAuthenticated", "LlamaCloudExporterDataStale"},
    "never-listed": _NOT_READ,
    "failing": _NOT_READ,
    "no-credits": _NOT_READ | {"LlamaCloudExporterOutOfCredits"},
    "rate-limited": _NOT_READ | {"LlamaCloudExporterRateLimited"},
    "truncated": {"LlamaCloudExporterListingTruncated"},
    "set-aside": {"LlamaCloudExporterApiSetAside"},
    "hidden": {"LlamaCloudExporterJobSeriesHidden"},
    "uncounted": {"LlamaCloudExporterJobsUncounted"},
    "unreadable": {"LlamaCloudExporterRowsUnreadable"},
    "several": {"LlamaCloudExporterSeveralForProject"},
    "mixed": {"LlamaCloudExporterProjectsMixed", "LlamaCloudExporterSeveralForProject"},
    "small-budget": {
        "LlamaCloudExporterBudgetTooSmall",
        "LlamaCloudExporterJobsNotRefreshed",
        "LlamaCloudExporterJobsUncounted",
    },
    "not-refreshed": {
        "LlamaCloudExporterJobsNotRefreshed",
        "LlamaCloudExporterJobsUncounted",
    },
    "absent": {"LlamaCloudExporterAbsent"},
    "left": {"LlamaCloudExporterProjectNotServed"},
    "unsteady": {"LlamaCloudExporterUnsteady"},
    "state-not-written": {"LlamaCloudExporterStateNotWritten"},
}
# Alerts that another alert of the project explains.
SUPPRESSED: dict[str, set[str]] = {
    "job-failed": {"LlamaCloudBatchItemsFailed"},
    "many-failed": {"LlamaCloudBatchItemsFailed"},
    "refused": {"LlamaCloudExporterDataStale"},
    "no-credits": _NOT_READ,
    "never-listed": {"LlamaCloudExporterListingFailing"},
    "failing": {"LlamaCloudExporterListingFailing"},
    "rate-limited": {"LlamaCloudExporterListingFailing"},
    "small-budget": {"LlamaCloudExporterJobsNotRefreshed"},
}
_OF_OTHER_EXPORTERS = {"small-budget", "absent", "left", "unsteady", "state-not-written"}
NEVER_LISTED = {"refused", "never-listed"}

_LATER = {
    "failing": Fault("status", code=503),
    "no-credits": Fault("status", code=402),
    "rate-limited": Fault("status", code=429),
    # v1beta alone: LlamaCloud goes on answering v2.
    "set-aside": Fault("status", code=404, endpoint="list_jobs"),
}
_HOURS_AGO = -2 * 3600.0


def job_id_of(name: str) -> str:
    """Return the id of the job that every project has."""
    return f"job-of-{name}"


def troubled_projects(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """Add the exporter's projects to the simulator; return their settings by name."""
    cloud.simulator.jobs_paging.max_rows = SHOWN_JOBS
    cloud.simulator.items_paging.max_rows = ITEMS_A_PAGE
    entries = {name: well(cloud, name) for name in FIRES.keys() - _OF_OTHER_EXPORTERS}
    for name, spoil in _FROM_THE_START.items():
        spoil(cloud, name)
    _add_one_that_has_ended(cloud, HEALTHY)
    entries["hidden"]["directory_ids"] = ["directory-1", "directory-2"]
    return entries


def well(cloud: Cloud, name: str, *, more_jobs: int = 0) -> dict[str, Any]:
    """Add a healthy project; return its settings."""
    entry = project(cloud, name)
    _change(cloud, name, items=items_of(job_id_of(name), completed=2, pending=3))
    _add_jobs(cloud, name, more_jobs)
    return entry


def begin_trouble(cloud: Cloud) -> None:
    """Make jobs fail that were listed before."""
    for name, fault in _LATER.items():
        _befall(cloud, name, fault)
    cloud.world.remove_job(job_id_of("gone"))
    # Jobs that ended before the first listing raise no alert.
    _fail(cloud, "job-failed")


def complete_an_item(cloud: Cloud, name: str) -> None:
    """Complete an item of a project's job, which always has more items left."""
    job = cloud.world.jobs[job_id_of(name)]
    now = cloud.world.clock()
    item = next(item for item in job.items if item.status == "pending")
    item.status, item.started_at, item.completed_at = "completed", now - 1, now
    job.items.append(replace(item, item_id=f"item-{len(job.items)}", status="pending"))


def _change(cloud: Cloud, name: str, **facts: Any) -> None:
    job = cloud.world.jobs[job_id_of(name)]
    for fact, value in facts.items():
        setattr(job, fact, value)


def _befall(cloud: Cloud, name: str, fault: Fault) -> None:
    cloud.simulator.faults.add(replace(fault, project_id=project_id_of(name)))


def _add_jobs(cloud: Cloud, name: str, jobs: int, **facts: Any) -> None:
    for number in range(jobs):
        job_id = f"{job_id_of(name)}-{facts.get('directory_id')}-{number}"
        items = items_of(job_id, completed=2, pending=3)
        cloud.add_job(job_id, project_id=project_id_of(name), items=items, **facts)


def _add_one_that_has_ended(cloud: Cloud, name: str) -> None:
    job_id = f"old-{job_id_of(name)}"
    ended = {"status": "completed", "completed_at": cloud.world.clock() - 60}
    items = items_of(job_id, completed=2)
    cloud.add_job(job_id, project_id=project_id_of(name), items=items, **ended)


def _fail_items(number: int) -> Callable[[Cloud, str], None]:
    def spoil(cloud: Cloud, name: str) -> None:
        items = items_of(job_id_of(name), completed=2, failed=number, pending=3)
        _change(cloud, name, items=items)

    return spoil


def _fail(cloud: Cloud, name: str) -> None:
    items = items_of(job_id_of(name), completed=2, failed=1)
    _change(cloud, name, status="failed", completed_at=cloud.world.clock(), items=items)


def _stand_still(cloud: Cloud, name: str) -> None:
    long_ago = cloud.world.clock() + _HOURS_AGO
    items = items_of(
        job_id_of(name), completed=2, pending=3, started_at=long_ago, completed_at=long_ago
    )
    _change(cloud, name, created_at=long_ago, started_at=long_ago, items=items)


def _creep(cloud: Cloud, name: str) -> None:
    long_ago, now = cloud.world.clock() + 15 * _HOURS_AGO, cloud.world.clock()
    items = items_of(job_id_of(name), completed=2, pending=3, started_at=long_ago, completed_at=now)
    _change(cloud, name, created_at=long_ago, started_at=long_ago, items=items)


def _wait_to_be_started(cloud: Cloud, name: str) -> None:
    long_ago = cloud.world.clock() + _HOURS_AGO
    items = items_of(job_id_of(name), pending=5)
    _change(cloud, name, status="pending", created_at=long_ago, started_at=None, items=items)


def _refuse(cloud: Cloud, name: str) -> None:
    del cloud.world.keys[key_of(name)]


def _answer_nothing(cloud: Cloud, name: str) -> None:
    _befall(cloud, name, Fault("status", code=503))


def _fail_to_refresh(cloud: Cloud, name: str) -> None:
    _befall(cloud, name, Fault("status", code=500, endpoint="job_status"))


def _exceed_the_pages(cloud: Cloud, name: str) -> None:
    _add_jobs(cloud, name, SHOWN_JOBS)


def _exceed_the_cap(cloud: Cloud, name: str) -> None:
    _change(cloud, name, directory_id="directory-1")
    _add_jobs(cloud, name, SHOWN_JOBS, directory_id="directory-2")


def _exceed_the_items(cloud: Cloud, name: str) -> None:
    items = items_of(job_id_of(name), pending=ITEMS_A_PAGE + 1)
    _change(cloud, name, items=items)


def _lack_an_id(cloud: Cloud, name: str) -> None:
    _add_jobs(cloud, name, 1, overrides={"id": None})


_FROM_THE_START: dict[str, Callable[[Cloud, str], None]] = {
    "items-failed": _fail_items(1),
    "many-failed": _fail_items(6),
    "stuck": _stand_still,
    "queued": _wait_to_be_started,
    "creeping": _creep,
    "refused": _refuse,
    "never-listed": _answer_nothing,
    "not-refreshed": _fail_to_refresh,
    "truncated": _exceed_the_pages,
    "hidden": _exceed_the_cap,
    "uncounted": _exceed_the_items,
    "unreadable": _lack_an_id,
}
