"""Which jobs a page shows, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.domain import ItemStatus, JobStatus
from exporter.pages.selection import BadQueryError, Query, find, select
from tests.support.status_reports import NOW, listed_status, report, running_job


def ended(job_id: str, **more: Any) -> Any:
    facts = {"status": JobStatus.COMPLETED, "completed_at": NOW, "progress_ratio": None}
    return running_job(job_id, **(facts | more))


REPORTS = [
    report(
        listed_status(
            "b",
            ended("ok", created_at=NOW - 5),
            ended("bad", failed_items=2),
            running_job("new", created_at=NOW - 10),
            running_job("old", created_at=NOW - 900, total_items=99),
        )
    ),
    report(
        listed_status(
            "a\udc80",
            running_job("Counted-1", items={ItemStatus.FAILED: 3}, total_items=None),
            ended("lost", status=JobStatus.FAILED, created_at=None),
        )
    ),
]


def ids(**parameters: str) -> list[str]:
    return [job.job_id for _, job in select(REPORTS, Query.of(parameters)).jobs]


def test_active_and_failing_jobs_come_first() -> None:
    """The newest first among equals; those that just went well come last."""
    assert ids() == ["Counted-1", "new", "old", "bad", "lost", "ok"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"project": "b"}, ["new", "old", "bad", "ok"]),
        ({"project": "a\\udc80"}, ["Counted-1", "lost"]),
        ({"project": "c"}, []),
        ({"status": "active"}, ["Counted-1", "new", "old"]),
        ({"status": "failing"}, ["Counted-1", "bad", "lost"]),
        ({"status": "completed"}, ["bad", "ok"]),
        ({"search": " counted "}, ["Counted-1"]),
        ({"project": "b", "status": "failing", "search": "A"}, ["bad"]),
    ],
)
def test_filters_hold_together(parameters: dict[str, str], expected: list[str]) -> None:
    """By project, status, and a part of the id in any case."""
    assert ids(**parameters) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("job_id", ["Counted-1", "bad", "lost", "new", "ok", "old"]),
        ("-job_id", ["old", "ok", "new", "lost", "bad", "Counted-1"]),
        ("-failed_items", ["Counted-1", "bad", "lost", "new", "ok", "old"]),
        ("-total_items", ["old", "bad", "lost", "new", "ok", "Counted-1"]),
        ("created_timestamp_seconds", ["old", "Counted-1", "bad", "new", "ok", "lost"]),
        ("project", ["Counted-1", "lost", "bad", "new", "ok", "old"]),
    ],
)
def test_what_is_not_known_comes_last(sort: str, expected: list[str]) -> None:
    """In both directions; equals are in the order of their ids."""
    assert ids(sort=sort) == expected


def test_pages_hold_each_job_once() -> None:
    """One beyond the last is empty, unless the nearest is wanted."""
    pages = [ids(per_page="4", page=str(page)) for page in (1, 2, 3)]
    assert [*pages[0], *pages[1]] == ids()
    assert [4, 2, 0] == list(map(len, pages))
    found = select(REPORTS, Query(per_page=4, page=9), nearest_page=True)
    assert (2, 2, 6) == (found.page, found.pages, found.total)
    assert [job.job_id for _, job in found.jobs] == pages[1]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("page", "0", "page must be a number from 1 to 1000000"),
        ("page", "-1", "page must be a number from 1 to 1000000"),
        ("page", "\u0661", "page must be a number from 1 to 1000000"),
        ("page", "9" * 5000, "page must be a number from 1 to 1000000"),
        ("per_page", "501", "per_page must be a number from 1 to 500"),
        ("status", "Running", "status must be one of active, failing, pending"),
        ("sort", "--job_id", "sort must be one of project, job_id"),
        ("sort", "__class__", "sort must be one of project, job_id"),
        ("search", "x" * 2001, "search has more than 2000 characters"),
        ("project", "x" * 2001, "project has more than 2000 characters"),
    ],
)
def test_other_values_are_refused(name: str, value: str, words: str) -> None:
    """The words say which are known; they never repeat the value."""
    with pytest.raises(BadQueryError) as error:
        Query.of({name: value})
    assert str(error.value).startswith(words)
    assert len(str(error.value)) < 500


def test_one_job_is_found_by_project_and_id() -> None:
    """The same id may stand in several projects."""
    found = find(REPORTS, "a\\udc80", "lost")
    assert found is not None
    assert ("a\udc80", "lost") == (found[0].status.project, found[1].job_id)
    assert find(REPORTS, "b", "lost") is None
    assert find(REPORTS, "c", "ok") is None


def test_the_end_of_a_running_job_is_estimated_from_what_it_did_so_far() -> None:
    """Half of it took a hundred seconds; of others, or of one that is stuck, none is made up."""
    assert NOW + 50 == running_job().estimated_end_at
    for facts in (
        {"status": JobStatus.PENDING},
        {"status": JobStatus.COMPLETED},
        {"progress_ratio": None},
        {"progress_ratio": 0.0},
        {"progress_ratio": 1.0},
        {"progress_ratio": 1e-320},
        {"last_progress_at": None},
        {"last_progress_at": NOW - 150},
        {"last_refreshed_at": NOW + 50},
        {"started_at": None, "created_at": None},
    ):
        assert running_job(**facts).estimated_end_at is None
    assert NOW + 100 == running_job(started_at=None).estimated_end_at


def test_failures_are_those_that_are_reported_or_counted() -> None:
    """The greater number, as in the counters."""
    job = running_job(failed_items=1, items={ItemStatus.FAILED: 3})
    assert (3, True) == (job.failures, job.is_failing)
    assert (None, False) == (running_job().failures, running_job().is_failing)
    assert (0, False) == (running_job(failed_items=0).failures, running_job().is_failing)
    assert running_job(status=JobStatus.FAILED).is_failing
