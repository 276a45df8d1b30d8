"""A list and a status that contradict each other for good."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from exporter.core.events import JobChangedStatus, JobEnded, JobRecordsContradict
from exporter.domain import ItemStatus, Job, JobStatus, JobType, JobView
from tests.support.history import EPOCH, HOUR, History, job
from tests.support.virtual_time import Polling

PENDING: dict[str, Any] = {"status": JobStatus.PENDING}
RUNNING: dict[str, Any] = {"status": JobStatus.RUNNING, "processed_items": 4}
COMPLETED: dict[str, Any] = {
    "status": JobStatus.COMPLETED,
    "processed_items": 10,
    "completed_at": EPOCH + 90,
}
COUNTS = [field.name for field in fields(Job) if field.type == "int | None"]
TIMES = ("created_at", "started_at", "completed_at")


def contradicted(listed: dict[str, Any], fetched: dict[str, Any]) -> Polling:
    """Poll for an hour a job of which the list and the status say different things."""
    project = Polling(job(**listed), retention_finished=2 * HOUR)
    project.cloud.fetched["job-1"] = job(**fetched)
    project.run_until(HOUR)
    return project


@pytest.mark.parametrize(
    ("listed", "fetched"),
    [(PENDING, RUNNING), (RUNNING, PENDING), (RUNNING, COMPLETED), (COMPLETED, RUNNING)],
)
def test_the_list_is_believed_and_the_contradiction_is_reported_once(
    listed: dict[str, Any], fetched: dict[str, Any]
) -> None:
    """Without dates, it is not known which of the two is newer."""
    project = contradicted(listed, fetched)
    assert listed["status"] is project.job().status
    assert 1 == len(project.events_of(JobRecordsContradict))
    assert [] == [*project.events_of(JobChangedStatus, 120), *project.events_of(JobEnded, 120)]
    assert len([*project.events_of(JobChangedStatus), *project.events_of(JobEnded)]) <= 5


@pytest.mark.parametrize(
    ("field", "listed", "fetched"),
    [
        ("status", JobStatus.PENDING, JobStatus.RUNNING),
        ("job_type", JobType.PARSE, JobType.EXTRACT),
        ("directory_id", "dir-1", "dir-2"),
        *((field, 8, 9) for field in COUNTS if field != "failed_items"),
        *((field, EPOCH + 60, EPOCH + 62) for field in TIMES),
    ],
)
def test_any_other_value_that_is_published_is_a_contradiction(
    field: str, listed: object, fetched: object
) -> None:
    """The list is believed, in all but the number of failed items."""
    project = contradicted(RUNNING | {field: listed}, RUNNING | {field: fetched})
    assert listed == getattr(project.job(), field)
    assert 1 == len(project.events_of(JobRecordsContradict))


def test_every_value_that_is_published_is_compared() -> None:
    """A field of Job that JobView has too would otherwise change with each of the two answers."""
    published = {field.name for field in fields(JobView)}
    compared = {field.name for field in fields(Job) if field.metadata.get("compared")}
    both = {field.name for field in fields(Job)} & published
    assert {"api_version", "configuration_id"} == both - compared


@pytest.mark.parametrize(
    ("field", "listed", "fetched"),
    [("error_message", "E1", "E2"), ("updated_at", EPOCH + 70, EPOCH + 80)],
)
def test_other_values_of_what_is_not_published_are_no_contradiction(
    field: str, listed: object, fetched: object
) -> None:
    """The two endpoints may write them as they like."""
    project = contradicted(RUNNING | {field: listed}, RUNNING | {field: fetched})
    assert [] == project.events_of(JobRecordsContradict)


@pytest.mark.parametrize("silent", ["list", "status"])
@pytest.mark.parametrize(
    ("field", "value"), [("directory_id", "dir-1"), *((field, 8) for field in COUNTS)]
)
def test_a_value_that_one_of_the_two_leaves_out_comes_from_the_other(
    field: str, value: object, silent: str
) -> None:
    """It is published all the time, once both have answered."""
    states, omits = RUNNING | {field: value}, RUNNING | {field: None}
    project = contradicted(*((omits, states) if silent == "list" else (states, omits)))
    since = [view for view in project.views if view.number > 2]
    assert {value} == {getattr(shown, field) for view in since for shown in view.jobs}
    assert [] == project.events_of(JobRecordsContradict)


@pytest.mark.parametrize("field", TIMES)
def test_a_time_that_one_of_the_two_writes_more_precisely_stays_as_it_is(field: str) -> None:
    """Its series would change back and forth with each answer."""
    whole, fraction = COMPLETED | {field: EPOCH + 90}, COMPLETED | {field: EPOCH + 90.4}
    project = contradicted(whole, fraction)
    assert {EPOCH + 90} == {getattr(job, field) for view in project.views for job in view.jobs}
    assert [] == project.events_of(JobRecordsContradict)


def test_the_newer_of_both_is_believed() -> None:
    """By ``updated_at``, whichever of the two it is."""
    earlier, later = {"updated_at": EPOCH + 70}, {"updated_at": EPOCH + 80}
    for listed, fetched, expected in (
        (PENDING | earlier, RUNNING | later, JobStatus.RUNNING),
        (PENDING | later, RUNNING | earlier, JobStatus.PENDING),
    ):
        project = contradicted(listed, fetched)
        assert expected is project.job().status
        assert 1 == len(project.events_of(JobRecordsContradict))


def test_a_contradicted_job_makes_no_progress() -> None:
    """Or an alert for stuck jobs would never fire."""
    project = contradicted(PENDING, RUNNING)
    moved_at = project.job().last_progress_at
    assert moved_at is not None
    assert moved_at < EPOCH + 200


@pytest.mark.parametrize("moves", ["list", "status"])
def test_what_moves_is_believed(moves: str) -> None:
    """The other one stands still. Without dates, nothing else shows which is newer."""
    project = contradicted(PENDING, RUNNING)

    def work() -> None:
        row = job(**(RUNNING | {"processed_items": int(project.now)}))
        if moves == "list":
            project.cloud.add(row)
        else:
            project.cloud.fetched["job-1"] = row

    project.every(20.0, work)
    project.run_until(2 * HOUR)
    assert (project.job().processed_items or 0) > 7000
    assert JobStatus.RUNNING is project.job().status
    assert 1 == len(project.events_of(JobRecordsContradict))
    assert [] == project.events_of(JobChangedStatus, HOUR + 60)


def test_a_list_that_no_longer_shows_a_job_contradicts_nothing() -> None:
    """A listing that stops early may not contain an old active job."""
    project = Polling(job(created_at=EPOCH - 48 * HOUR))
    project.cloud.late_pages.add("job-1")
    project.cloud.fetched["job-1"] = job(created_at=EPOCH - 48 * HOUR, processed_items=3)
    project.run_until(14 * 60)
    assert 3 == project.job().processed_items
    assert [] == project.events_of(JobRecordsContradict)


@pytest.mark.parametrize("silent", ["list", "status"])
def test_counts_that_only_one_of_the_two_states_are_published(silent: str) -> None:
    """They are optional in both, and what is not stated contradicts nothing."""
    stated = job(processed_items=9, failed_items=3)
    omitted = job(processed_items=None, failed_items=None, skipped_items=None)
    project = Polling(omitted if silent == "list" else stated, items_enabled=False)
    project.cloud.fetched["job-1"] = stated if silent == "list" else omitted
    project.run_until(HOUR)
    since = [view for view in project.views if view.number > 2]
    assert {3} == {shown.failed_items for view in since for shown in view.jobs}
    gauges = project.view().gauges
    assert gauges is not None
    assert 1 == gauges.failing_jobs[JobType.PARSE]
    assert [] == project.events_of(JobRecordsContradict)


def test_the_greater_number_of_failed_items_is_believed() -> None:
    """No failure is missed that only one of the two reports."""
    project = contradicted(COMPLETED | {"failed_items": 0}, COMPLETED | {"failed_items": 5})
    assert 5 == project.job().failed_items
    assert 5 == project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
    assert 1 == len(project.events_of(JobRecordsContradict))


def test_failed_items_of_an_earlier_end_are_not_those_of_a_later_one() -> None:
    """The list still shows the end before a retry: its failed items add to the counter alone."""
    earlier, running = job(**COMPLETED, failed_items=2), job(**RUNNING)
    later = replace(earlier, completed_at=EPOCH + 150, failed_items=1)
    history = History().listing().at(91).listing(earlier).at(100).status(running)
    history.at(121).listing(earlier).at(130).status(running).at(151).listing(earlier)
    assert [JobRecordsContradict("job-1")] == _contradictions(history)
    shown = history.at(160).status(later).shown()["job-1"]
    assert (EPOCH + 150, 1) == (shown.completed_at, shown.failed_items)
    assert 2 == history.finished_items("failed")


def test_failed_items_of_a_later_end_are_believed_of_an_earlier_one() -> None:
    """The list is believed where no date of a change decides: the failures are not missed."""
    later = COMPLETED | {"failed_items": 5, "completed_at": EPOCH + 150}
    project = contradicted(COMPLETED, later)
    assert (EPOCH + 90, 5) == (project.job().completed_at, project.job().failed_items)


def test_more_failed_items_of_the_older_record_are_not_missed() -> None:
    """The newer record is published, with the failed items that it may leave out."""
    older, newer = {"updated_at": EPOCH + 90}, {"updated_at": EPOCH + 95}
    project = contradicted(COMPLETED | older | {"failed_items": 5}, COMPLETED | newer)
    assert 5 == project.job().failed_items
    project.cloud.change("job-1", failed_items=7)
    project.run_until(HOUR + 60)
    assert 7 == project.job().failed_items
    assert 7 == project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]


def test_more_failed_items_are_believed_where_no_date_shows_which_end_is_later() -> None:
    """Even of a list that stands still: a status that moves may leave the failures out."""
    undated: dict[str, Any] = {"status": JobStatus.COMPLETED, "created_at": None}
    listed, fetched = job(**undated, failed_items=2), job(**undated)
    history = (
        History().listing().at(1).listing(listed).at(30).status(fetched).at(60).listing(listed)
    )
    history.at(90).status(fetched).at(120).status(replace(fetched, status=JobStatus.RUNNING))
    history.at(150).listing(listed).at(180).status(fetched)
    assert [JobRecordsContradict("job-1")] == _contradictions(history)
    assert 2 == history.shown()["job-1"].failed_items
    gauges = history.view().gauges
    assert gauges is not None
    assert 1 == gauges.failing_jobs[JobType.PARSE]


def test_a_status_without_a_type_does_not_change_it() -> None:
    """Or the counters of one job would be split."""
    project = contradicted(RUNNING, RUNNING | {"job_type": JobType.UNKNOWN, "failed_items": 5})
    assert JobType.PARSE is project.job().job_type
    assert 5 == project.view().counters.items_finished[JobType.PARSE, ItemStatus.FAILED]


def test_a_list_that_lags_behind_once_is_no_contradiction() -> None:
    """It is requested before the status in a poll, and is up to date in the next one."""
    project = Polling(job(**PENDING))
    project.cloud.fetched["job-1"] = job(**RUNNING)
    project.run_until(25)
    project.cloud.add(job(**RUNNING))
    project.run_until(HOUR)
    assert JobStatus.RUNNING is project.job().status
    assert [] == project.events_of(JobRecordsContradict)


def _contradictions(history: History) -> list[JobRecordsContradict]:
    return [event for event in history.events if isinstance(event, JobRecordsContradict)]
