"""Batches of which LlamaCloud's answers contradict each other, or fail for a while."""

from collections import Counter
from typing import Any

import pytest

from exporter.core.events import JobAppeared, JobEnded, RefreshRecovered
from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.simulator.refusals import RefusedError
from tests.core.simulated import SimulatedPolling
from tests.core.test_policy_batches import (
    DAY,
    finish,
    finished_items,
    finished_jobs,
    put,
    show_results,
    touch,
    v2_project,
)
from tests.support.history import EPOCH, HOUR


def fail_once(project: SimulatedPolling, code: int) -> None:
    """Have the next answer about a single batch be an error."""
    left = [code]

    def answer(endpoint: str, _: str) -> None:
        if endpoint == "batch" and left:
            raise RefusedError(left.pop(), "Not found")

    project.client.in_its_place = answer


def fail_always(project: SimulatedPolling, prefix: str) -> None:
    """Have every answer about batches whose ids begin so be an error."""

    def answer(endpoint: str, path: str) -> None:
        if endpoint == "batch" and path.rpartition("/")[2].startswith(prefix):
            raise RefusedError(500, "failed")

    project.client.in_its_place = answer


@pytest.mark.parametrize("code", [404, 500])
def test_an_unread_batch_that_fails_once_is_read_all_the_same(code: int) -> None:
    """While the list shows it; its later failures count."""
    project = v2_project()
    batch = put(project, status="COMPLETED", created=-2 * HOUR, updated=-2 * HOUR, running=4)
    fail_once(project, code)
    project.run_until(300)
    finish(project, batch, "FAILED", 4)
    project.run_until(HOUR)
    assert 4 == finished_items(project, ItemStatus.FAILED)
    assert 0 == project.view().uncounted_jobs


def test_unread_batches_that_fail_leave_the_others_their_turn() -> None:
    """They wait ever longer, and are past once they are old."""
    project = v2_project(requests_per_minute=4, retention_failed=6 * HOUR)
    for number in range(5):
        put(project, f"old-{number}", "COMPLETED", created=-HOUR, ended=-HOUR / 2, failed=2)
    for number in range(3):
        put(project, f"bad-{number}", "COMPLETED", created=-HOUR, updated=-10, completed=2)
    live = [put(project, f"live-{number}", created=-60) for number in range(5)]
    project.every(20, lambda: touch(project, live))
    fail_always(project, "bad")
    project.run_until(2 * HOUR)
    assert 3 == project.view().uncounted_jobs
    assert not project.events_of(RefreshRecovered)
    project.run_until(7 * HOUR)
    assert 0 == project.view().uncounted_jobs


def test_an_unread_batch_that_is_past_is_not_new_while_rows_are_left_out() -> None:
    """The watermark waits for the rows, and the batch was updated after it."""
    project = v2_project(interval=120.0, retention_failed=6 * HOUR, check_every=60.0)
    put(project, status="COMPLETED", created=-600, updated=-10, ended=-10, completed=2)
    put(project, ".", created=60)
    fail_always(project, "bat-1")
    project.run_until(HOUR)
    assert 1 == project.view().uncounted_jobs
    project.run_until(7 * HOUR)
    assert (0, ()) == (project.view().uncounted_jobs, project.view().jobs)
    assert 0 == finished_jobs(project, JobStatus.COMPLETED)


def test_a_stale_row_that_says_running_invents_nothing() -> None:
    """Of a batch that had ended before the start."""
    project = v2_project()
    batch = put(
        project, status="COMPLETED", created=-600, updated=-60, ended=-60, failed=5, completed=3
    )
    project.run_until(100)
    batch.status = "RUNNING"
    project.run_until(125)
    batch.status = "COMPLETED"
    project.run_until(400)
    assert 0 == finished_items(project, ItemStatus.FAILED)
    assert 0 == finished_jobs(project, JobStatus.COMPLETED)
    assert 0 == sum(project.view().counters.turnaround_duration[JobType.PARSE].counts)


@pytest.mark.parametrize(("before", "after"), [(5, 5), (3, 10)])
def test_what_fails_in_a_batch_that_was_cancelled_before_the_start_counts(
    before: int, after: int
) -> None:
    """Beside what had failed by then."""
    project = v2_project()
    batch = put(
        project,
        status="CANCELLED",
        created=-HOUR,
        updated=-60,
        ended=-60,
        failed=before,
        running=after,
    )
    project.run_until(100)
    assert not project.events_of(JobEnded)
    finish(project, batch, "FAILED", after)
    project.run_until(600)
    assert after == finished_items(project, ItemStatus.FAILED)
    assert 0 == finished_jobs(project, JobStatus.CANCELLED)


def test_a_batch_that_had_failed_before_the_start_counts_when_it_runs_again() -> None:
    """Its first number after the start is not that of before."""
    project = v2_project()
    batch = put(project, status="FAILED", created=-600, updated=-60, running=3)
    project.run_until(100)
    batch.status, batch.updated_at = "RUNNING", EPOCH + project.now
    project.run_until(200)
    batch.status = "COMPLETED"
    project.at(205, lambda: finish(project, batch, "FAILED", 3))
    project.run_until(600)
    assert 3 == finished_items(project, ItemStatus.FAILED)


def test_the_file_jobs_of_a_batch_that_was_unread_are_requested_when_it_runs_again() -> None:
    """Nothing is kept of what they were."""
    project = v2_project()
    batch = put(
        project, status="COMPLETED", created=-600, updated=-60, ended=-60, failed=5, completed=3
    )
    project.run_until(100)
    batch.status, batch.updated_at = "RUNNING", EPOCH + project.now
    again = [f.job for f in batch.files if f.job is not None and f.job.status == "COMPLETED"]
    for job in again:
        job.status = "RUNNING"
    show_results(project, "RUNNING", "COMPLETED")
    project.run_until(200)
    batch.status, batch.updated_at = "COMPLETED", EPOCH + project.now
    finish(project, batch, "FAILED", 3)
    project.run_until(400)
    assert 8 == project.job("bat-1").failed_items
    assert 3 == finished_items(project, ItemStatus.FAILED)


def test_results_that_change_with_each_answer_are_read_twice_a_poll_at_most() -> None:
    """As where two replicas know other file jobs."""
    project = v2_project(requests_per_minute=60)
    batch = put(project, status="COMPLETED", created=-600, ended=-60, completed=3)
    other = put(project, "other", status="COMPLETED", created=-600, ended=-60, completed=3)
    del project.world.batches["other"]
    both = [batch.files, other.files]
    for one, its in zip(*both, strict=True):
        its.id = one.id

    def answer(endpoint: str, _: str) -> None:
        if endpoint == "batch":
            both.reverse()
            batch.files = both[0]

    project.client.in_its_place = answer
    project.run_until(600)
    assert len(project.sent("batch")) <= 2 * 20


@pytest.mark.parametrize("lacking", ["list_batches", "batch"])
def test_a_creation_date_that_one_answer_lacks_is_no_change(lacking: str) -> None:
    """An ended batch is not requested again because of it."""
    project = v2_project()
    project.run_until(45)
    put(project, status="COMPLETED", created=44, ended=50, completed=5)
    whole = project.client.answer

    def answer(endpoint: str, path: str) -> dict[str, Any] | None:
        if endpoint != lacking:
            return None
        body = whole(endpoint, path)
        for row in body.get("items", [body]):
            row["created_at"] = None
        return body

    project.client.in_its_place = answer
    project.run_until(1545)
    assert 2 == len(project.sent("batch"))
    shown = {job.created_at for view in project.views for job in view.jobs}
    assert len(shown - {None}) == 1


def test_a_batch_that_was_only_thought_to_be_gone_is_back_with_the_next_row() -> None:
    """Though it is too old for most listings."""
    project = v2_project()
    batch = put(project, status="RUNNING", created=-2 * DAY, running=20)
    project.run_until(10)
    batch.status = "COMPLETED"
    project.run_until(100)

    def answer(endpoint: str, _: str) -> None:
        if endpoint == "batch" and 100 < project.now < 170:
            raise RefusedError(404, "Not Found")

    project.client.in_its_place = answer
    project.run_until(200)
    assert JobStatus.GONE is project.job("bat-1").status
    project.run_until(1000)
    assert JobStatus.DISPATCHED is project.job("bat-1").status
    finish(project, batch, "FAILED", 20)
    project.run_until(1200)
    assert 20 == finished_items(project, ItemStatus.FAILED)


def test_a_batch_that_ended_as_unknown_does_not_appear_each_day() -> None:
    """While nothing of it moves."""
    project = v2_project(interval=120.0, retention_finished=HOUR, check_every=60.0)
    put(project, status="PAUSED", created=44)
    project.every(300, project.scrape)
    project.run_until(3 * DAY)
    told = Counter(type(event) for _, event in project.events)
    assert (1, 1) == (told[JobAppeared], told[JobEnded])


def test_a_list_that_lags_behind_does_not_wake_a_batch_for_good() -> None:
    """What LlamaCloud says of the batch itself is believed."""
    project = v2_project()
    project.run_until(45)
    put(project, status="COMPLETED", created=44, completed=3, ended=60, updated=70)
    whole = project.client.answer

    def answer(endpoint: str, path: str) -> dict[str, Any] | None:
        if endpoint != "list_batches":
            return None
        body = whole(endpoint, path)
        for row in body["items"]:
            row["status"] = "RUNNING"
        return body

    project.client.in_its_place = answer
    project.run_until(HOUR)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    assert 1 == len(project.events_of(JobEnded))


def test_a_batch_that_was_never_read_is_uncounted() -> None:
    """An unreadable answer does not show its items."""
    project = v2_project()
    project.run_until(45)
    put(project, status="COMPLETED", created=44, failed=3, ended=50)
    project.client.in_its_place = lambda endpoint, _: {"no": 1} if endpoint == "batch" else None
    project.run_until(HOUR)
    assert 1 == project.view().uncounted_jobs


def test_a_listing_that_is_truncated_is_not_a_full_one_each_time() -> None:
    """The next listings request new batches only."""
    project = v2_project(listing_max_requests=2)
    for number in range(350):
        put(project, f"old-{number}", "COMPLETED", created=-5 * DAY, updated=-4 * DAY)
    project.run_until(600)
    # Two pages of the eight days, and one for each status; one page in each other listing.
    assert 5 + 20 == len(project.sent("list_batches"))
    assert project.view().listing_truncated


def test_the_last_progress_of_a_batch_that_was_unread_is_that_of_its_file_jobs() -> None:
    """Otherwise a running batch would seem stuck after a start."""
    project = v2_project()
    put(project, status="COMPLETED", created=-5 * HOUR, updated=-60, ended=-60, failed=1, running=3)
    project.run_until(25)
    assert EPOCH - 60 == project.job("bat-1").last_progress_at


def test_an_unread_batch_without_dates_adds_nothing() -> None:
    """Nor is its end reported at each start."""
    project = v2_project()
    batch = put(project, status="COMPLETED", created=-HOUR, updated=-60, completed=3)
    batch.overrides["updated_at"] = None
    for file in batch.files:
        assert file.job is not None
        file.job.overrides["updated_at"] = None
    project.run_until(HOUR)
    assert 0 == finished_jobs(project, JobStatus.COMPLETED)
    assert not project.events_of(JobEnded)


def test_a_row_that_differs_does_not_have_a_completed_batch_counted_again() -> None:
    """It would be shown in part while only some of its file jobs are answered."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, ended=50, completed=5)
    project.run_until(200)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    batch.source_directory_id = "dir-2"
    since = project.now
    project.run_until(since + 300)
    assert "dir-2" == project.job("bat-1").directory_id
    assert not project.sent("batch", "list_parse_jobs", since=since)
