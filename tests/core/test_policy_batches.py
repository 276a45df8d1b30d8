"""Batches of v2, from their creation to the end of their last file job."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from exporter.core.events import ItemsFailed, JobAppeared, JobChangedStatus, JobEnded, JobGivenUp
from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.simulator import SimulatedJob, items_of
from exporter.simulator.v2.batches import SimulatedBatch, files_of
from tests.core.simulated import SimulatedPolling
from tests.support.history import EPOCH, HOUR

DAY = 86_400.0


def v2_project(**facts: Any) -> SimulatedPolling:
    return SimulatedPolling(api_versions=("v2",), **facts)


def put(
    project: SimulatedPolling,
    batch_id: str = "bat-1",
    status: str = "RUNNING",
    *,
    created: float = 40.0,
    updated: float | None = None,
    job_type: str = "parse_v2",
    ended: float | None = None,
    **files: int,
) -> SimulatedBatch:
    """Put a batch into the world; moments are of the project's virtual time."""
    batch = SimulatedBatch(
        id=batch_id,
        job_type=job_type,
        status=status,
        created_at=EPOCH + created,
        updated_at=None if updated is None else EPOCH + updated,
        files=files_of(
            batch_id,
            "extract_v2" if job_type == "extract_v2" else "parse_v2",
            created_at=EPOCH + created,
            ended_at=None if ended is None else EPOCH + ended,
            **files,
        ),
    )
    project.world.add_batch(batch)
    return batch


def finish(project: SimulatedPolling, batch: SimulatedBatch, status: str, number: int) -> None:
    """End this number of file jobs now."""
    running = [f.job for f in batch.files if f.job is not None and f.job.status == "RUNNING"]
    for job in running[:number]:
        job.status, job.updated_at = status, project.world.clock()
        job.error_message = "TIMEOUT: gave up" if status == "FAILED" else None


def touch(project: SimulatedPolling, batches: list[SimulatedBatch]) -> None:
    """Have something about batches move, now."""
    for batch in batches:
        batch.updated_at = EPOCH + project.now


def show_results(project: SimulatedPolling, *statuses: str) -> None:
    """Make LlamaCloud return results in these statuses, and null in others."""
    style = project.client.simulator.v2
    project.client.simulator.v2 = replace(style, results_in=frozenset(statuses))


def finished_items(project: SimulatedPolling, status: ItemStatus) -> int:
    return project.view().counters.items_finished[JobType.PARSE, status]


def finished_jobs(project: SimulatedPolling, status: JobStatus) -> int:
    return project.view().counters.jobs_finished[JobType.PARSE, status]


def test_a_batch_is_followed_to_its_last_file_job() -> None:
    """With the right numbers at every step; LlamaCloud's COMPLETED is only the middle of it."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="PENDING", created=44)
    project.run_until(65)
    assert (JobStatus.PENDING, None, None) == (
        project.job("bat-1").status,
        project.job("bat-1").total_items,
        project.job("bat-1").items,
    )
    assert 0 == project.view().uncounted_jobs
    batch.status = "RUNNING"
    project.run_until(95)
    assert JobStatus.RUNNING is project.job("bat-1").status
    batch.files = put(project, "other", running=4, mapping_errors=1, created=44).files
    del project.world.batches["other"]
    batch.status, batch.updated_at = "COMPLETED", EPOCH + 100
    project.run_until(125)
    job = project.job("bat-1")
    assert (JobStatus.DISPATCHED, 5, 1, 1, 0.2) == (
        job.status,
        job.total_items,
        job.processed_items,
        job.failed_items,
        job.progress_ratio,
    )
    finish(project, batch, "COMPLETED", 3)
    project.run_until(155)
    assert (4, 0.8) == (project.job("bat-1").processed_items, project.job("bat-1").progress_ratio)
    finish(project, batch, "FAILED", 1)
    ended = project.now
    project.run_until(245)
    job = project.job("bat-1")
    assert (JobStatus.COMPLETED, 5, 5, 2, 1.0, EPOCH + ended) == (
        job.status,
        job.total_items,
        job.processed_items,
        job.failed_items,
        job.progress_ratio,
        job.completed_at,
    )
    assert {"not_mapped": 1, "timeout": 1} == dict(job.item_failures or {})
    assert (3, 2, 1) == (
        finished_items(project, ItemStatus.COMPLETED),
        finished_items(project, ItemStatus.FAILED),
        finished_jobs(project, JobStatus.COMPLETED),
    )
    turnaround = project.view().counters.turnaround_duration[JobType.PARSE]
    assert (1, ended - 44) == (sum(turnaround.counts), turnaround.sum)
    statuses = [e.job.status for e in project.events_of(JobChangedStatus)]
    assert [JobStatus.RUNNING, JobStatus.DISPATCHED] == statuses
    assert 1 == len(project.events_of(JobAppeared)) == len(project.events_of(JobEnded))
    assert 2 == sum(len(event.items) for event in project.events_of(ItemsFailed))
    assert [] == project.events_of(JobGivenUp)
    assert (None, None) == (job.skipped_items, job.started_at)


def test_a_batch_that_has_completed_is_not_requested_again() -> None:
    """A row that says COMPLETED once more changes nothing, for as long as it is listed."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, running=3, status="COMPLETED", created=44)
    project.run_until(65)
    finish(project, batch, "COMPLETED", 3)
    project.run_until(200)
    assert 1 == finished_jobs(project, JobStatus.COMPLETED)
    project.scrape()
    for moment in range(300, 30_000, 300):
        project.run_until(moment)
        project.scrape()
    assert "bat-1" not in {job.job_id for job in project.view().jobs}
    assert [] == project.sent("batch", "list_parse_jobs", since=200)
    assert 1 == finished_jobs(project, JobStatus.COMPLETED)
    assert 1 == len(project.events_of(JobEnded))


def test_a_thousand_files_cost_thirteen_requests_an_interval_and_less_as_they_end() -> None:
    """Two listings of two generations, the batch, and a page for each hundred files."""
    project = SimulatedPolling()
    project.run_until(45)
    batch = put(project, running=1000, status="COMPLETED", created=44)
    project.run_until(75)
    finished = 0
    pages = []
    for number in range(10):
        begin = 75 + 30 * number
        finish(project, batch, "COMPLETED", 100)
        finished += 100
        project.run_until(begin + 30)
        counted = project.counted(since=begin, until=begin + 30)
        pages.append(counted["list_parse_jobs"])
        assert (1, 1, 1) == (counted["list_jobs"], counted["list_batches"], counted["batch"])
        assert finished == project.job("bat-1").processed_items
    assert list(range(10, 0, -1)) == pages
    project.run_until(420)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    assert 1000 == finished_items(project, ItemStatus.COMPLETED)


class TestUnread:
    """Batches that the first listing shows as COMPLETED: they may still run."""

    def test_what_ended_before_the_start_adds_nothing(self) -> None:
        """It is shown for its retention, counted, and logged by no line of its own."""
        project = v2_project()
        put(project, status="COMPLETED", created=-2 * HOUR, ended=-HOUR / 2, completed=4, failed=1)
        project.run_until(15)
        job = project.job("bat-1")
        assert (JobStatus.COMPLETED, 5, 1, EPOCH - HOUR / 2) == (
            job.status,
            job.total_items,
            job.failed_items,
            job.completed_at,
        )
        project.run_until(HOUR)
        assert 0 == finished_items(project, ItemStatus.FAILED)
        assert 0 == finished_jobs(project, JobStatus.COMPLETED)
        assert not project.events_of(JobAppeared)
        assert not project.events_of(JobEnded)

    def test_what_runs_on_counts_from_the_baseline(self) -> None:
        """Only the file jobs that end after it, and the batch itself."""
        project = v2_project()
        batch = put(
            project,
            status="COMPLETED",
            created=-HOUR,
            ended=-60,
            completed=4,
            failed=2,
            running=3,
            mapping_errors=1,
        )
        project.run_until(25)
        assert JobStatus.DISPATCHED is project.job("bat-1").status
        assert (10, 7, 3) == (
            project.job("bat-1").total_items,
            project.job("bat-1").processed_items,
            project.job("bat-1").failed_items,
        )
        assert 0 == finished_items(project, ItemStatus.FAILED)
        finish(project, batch, "COMPLETED", 2)
        finish(project, batch, "FAILED", 1)
        project.run_until(200)
        assert (2, 1, 1) == (
            finished_items(project, ItemStatus.COMPLETED),
            finished_items(project, ItemStatus.FAILED),
            finished_jobs(project, JobStatus.COMPLETED),
        )
        reasons = project.view().counters.items_failed
        assert {"timeout": 1} == {reason: n for reason, n in reasons.items() if n}

    def test_old_ones_are_past(self) -> None:
        """They are not read, and not among the uncounted."""
        project = v2_project()
        put(project, status="COMPLETED", created=-3 * DAY, updated=-2 * DAY, running=2)
        project.run_until(HOUR)
        assert [] == project.sent("batch")
        assert (0, ()) == (project.view().uncounted_jobs, project.view().jobs)

    def test_three_hundred_leave_half_of_the_refreshes_to_live_batches(self) -> None:
        """They are uncounted until then, and none of them is ever shown as active."""
        project = v2_project(requests_per_minute=30)
        for number in range(300):
            put(
                project,
                f"old-{number}",
                "COMPLETED",
                created=-2 * HOUR,
                updated=-HOUR - number,
                ended=-HOUR,
                completed=2,
            )
        live = [put(project, f"live-{number}", created=-60) for number in range(20)]
        project.every(5, lambda: touch(project, live))
        project.run_until(1)
        assert 300 == project.view().uncounted_jobs
        project.run_until(10 * 60)
        paths = [sent.path.rpartition("/")[2] for sent in project.sent("batch")]
        assert sum(path.startswith("live") for path in paths) >= 0.5 * len(paths)
        uncounted = [view.uncounted_jobs for view in project.views]
        assert 0 < (uncounted[-1] or 0) < 270
        assert sorted((n or 0 for n in uncounted), reverse=True) == uncounted
        active = {
            job.job_id for view in project.views for job in view.jobs if job.status == "dispatched"
        }
        assert set() == active

    def test_what_completes_later_counts_whole(self) -> None:
        """A batch that was created after the start, and is first seen mapped."""
        project = v2_project()
        project.run_until(45)
        put(project, status="COMPLETED", created=46, ended=50, completed=3, failed=1)
        project.run_until(200)
        assert (3, 1, 1) == (
            finished_items(project, ItemStatus.COMPLETED),
            finished_items(project, ItemStatus.FAILED),
            finished_jobs(project, JobStatus.COMPLETED),
        )

    def test_it_stays_for_its_retention_since_its_end(self) -> None:
        """Not since it was read."""
        project = v2_project()
        put(project, status="COMPLETED", created=-2 * HOUR, ended=-HOUR / 2, completed=4)
        project.every(15, project.scrape)
        project.run_until(HOUR / 2 - 60)
        assert ["bat-1"] == [job.job_id for job in project.view().jobs]
        project.run_until(HOUR / 2 + 60)
        assert () == project.view().jobs

    def test_the_one_that_was_updated_last_is_read_first(self) -> None:
        """It is the likeliest to run on."""
        project = v2_project(requests_per_minute=30, slots=1)
        for number in (3, 1, 4, 2):
            put(
                project,
                f"bat-{number}",
                "COMPLETED",
                created=-2 * HOUR + number,
                updated=-60.0 * number,
                ended=-HOUR,
                completed=1,
            )
        project.run_until(29)
        read = [sent.path.rpartition("/")[2] for sent in project.sent("batch")]
        assert ["bat-1", "bat-2", "bat-3", "bat-4"] == list(dict.fromkeys(read))

    def test_one_that_comes_into_sight_later_and_is_old_is_past(self) -> None:
        """It was mapped before the start, and its file jobs are not read."""
        project = v2_project()
        project.run_until(45)
        put(project, status="COMPLETED", created=-5 * HOUR, updated=-4 * HOUR, running=2)
        project.run_until(HOUR)
        assert [] == project.sent("batch")
        assert ((), []) == (project.view().jobs, project.events_of(JobAppeared))


def test_a_batch_that_is_mapped_after_the_start_counts_what_ends_after_it() -> None:
    """Its mapping errors have no date, and came after the start, for it was not mapped before."""
    project = v2_project()
    show_results(project, "COMPLETED")
    batch = put(
        project, created=-HOUR, ended=-60, completed=2, failed=1, mapping_errors=1, running=1
    )
    project.run_until(45)
    batch.status, batch.updated_at = "COMPLETED", EPOCH + 45
    finish(project, batch, "COMPLETED", 1)
    project.run_until(300)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    assert (1, 1, 1) == (
        finished_items(project, ItemStatus.COMPLETED),
        finished_items(project, ItemStatus.FAILED),
        finished_jobs(project, JobStatus.COMPLETED),
    )


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_file_jobs_that_run_on_after_the_end_are_counted(status: str) -> None:
    """In a failed or cancelled batch, until they have ended."""
    project = v2_project()
    show_results(project, "COMPLETED", "FAILED", "CANCELLED")
    project.run_until(45)
    batch = put(project, status="RUNNING", created=44, running=3, unmapped=1)
    project.run_until(75)
    batch.status, batch.updated_at = status, EPOCH + 80
    project.run_until(105)
    assert JobStatus(status.lower()) is project.job("bat-1").status
    assert 1 == finished_jobs(project, JobStatus(status.lower()))
    finish(project, batch, "FAILED", 3)
    project.run_until(15 * 60 + 200)
    assert 3 == finished_items(project, ItemStatus.FAILED)
    assert 1 == finished_jobs(project, JobStatus(status.lower()))
    since = project.now
    project.run_until(since + 300)
    assert [] == project.sent("batch", "list_parse_jobs", since=since)


def test_results_that_stay_null_do_not_keep_a_batch_active() -> None:
    """It is completed and uncounted, after thirty intervals in which nothing moved."""
    project = v2_project()
    show_results(project)
    project.run_until(45)
    put(project, status="COMPLETED", created=44, running=2)
    project.run_until(600)
    assert JobStatus.DISPATCHED is project.job("bat-1").status
    assert 0 == project.view().uncounted_jobs
    project.run_until(1100)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    assert 1 == project.view().uncounted_jobs
    assert 1 == finished_jobs(project, JobStatus.COMPLETED)


def test_entries_whose_end_no_answer_shows_are_given_up() -> None:
    """They are unknown then, and the batch has ended. This is reported once."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, completed=2, running=1, ended=46)
    lost = next(f.job for f in batch.files if f.job and f.job.status == "RUNNING")
    del project.world.file_jobs[lost.id]
    project.run_until(1100)
    job = project.job("bat-1")
    assert (JobStatus.COMPLETED, 3, 3) == (job.status, job.total_items, job.processed_items)
    assert 1 == (job.items or {})[ItemStatus.UNKNOWN]
    assert [1] == [event.items_not_ended for event in project.events_of(JobGivenUp)]


def test_a_batch_that_is_not_known_any_more_is_gone() -> None:
    """After a 404 in two intervals in which v2 was listed."""
    project = v2_project()
    project.run_until(45)
    put(project, created=44)
    project.run_until(75)
    del project.world.batches["bat-1"]
    project.run_until(100)
    assert JobStatus.RUNNING is project.job("bat-1").status
    project.run_until(160)
    assert JobStatus.GONE is project.job("bat-1").status


def test_a_batch_that_returns_without_results_has_no_numbers() -> None:
    """Its earlier numbers are not used until its files are listed again."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, completed=2, running=3, ended=45)
    project.run_until(75)
    assert 5 == project.job("bat-1").total_items
    del project.world.batches["bat-1"]
    project.run_until(165)
    gone = project.job("bat-1")
    assert (JobStatus.GONE, 5, 0.4) == (gone.status, gone.total_items, gone.progress_ratio)
    batch.status = "RUNNING"
    project.world.batches["bat-1"] = batch
    project.run_until(225)
    job = project.job("bat-1")
    assert (JobStatus.RUNNING, None, None, None, None, None) == (
        job.status,
        job.total_items,
        job.processed_items,
        job.failed_items,
        job.progress_ratio,
        job.items,
    )


def test_an_unknown_status_ends_after_a_day_without_a_change() -> None:
    """Neither the batch nor its file jobs changed."""
    project = v2_project(interval=120.0, check_every=60.0)
    project.run_until(45)
    batch = put(project, status="PAUSED", created=44)
    project.run_until(20 * HOUR)
    assert 1 == project.view().gauges.active_jobs[JobType.PARSE, JobStatus.UNKNOWN]  # type: ignore[union-attr]
    batch.updated_at = EPOCH + project.now
    project.run_until(40 * HOUR)
    assert [] == project.events_of(JobEnded)
    project.run_until(46 * HOUR)
    (event,) = project.events_of(JobEnded)
    assert JobStatus.UNKNOWN is event.job.status
    assert 1 == finished_jobs(project, JobStatus.UNKNOWN)
    batch.status, batch.updated_at = "RUNNING", EPOCH + project.now
    # It is too old for the listings between the full ones.
    project.run_until(project.now + 1000)
    assert JobStatus.RUNNING is project.job("bat-1").status


def test_a_batch_that_is_retried_is_active_again() -> None:
    """Its numbers are those of the new run, and nothing counts twice."""
    project = v2_project()
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, running=4)
    project.run_until(75)
    finish(project, batch, "FAILED", 4)
    project.run_until(200)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    batch.status, batch.updated_at = "RUNNING", EPOCH + project.now
    for file in batch.files:
        assert file.job is not None
        file.job.status = "RUNNING"
    project.run_until(260)
    assert JobStatus.RUNNING is project.job("bat-1").status
    batch.status = "COMPLETED"
    finish(project, batch, "FAILED", 4)
    project.run_until(400)
    assert JobStatus.COMPLETED is project.job("bat-1").status
    assert 4 == finished_items(project, ItemStatus.FAILED)


def test_without_items_enabled_a_batch_is_followed_all_the_same() -> None:
    """Its end is known from its file jobs only. The families of items are absent."""
    project = v2_project(items_enabled=False)
    project.run_until(45)
    batch = put(project, status="COMPLETED", created=44, running=4)
    project.run_until(75)
    finish(project, batch, "FAILED", 1)
    finish(project, batch, "COMPLETED", 3)
    project.run_until(200)
    job = project.job("bat-1")
    assert (JobStatus.COMPLETED, 4, 1, None, None, None) == (
        job.status,
        job.total_items,
        job.failed_items,
        job.items,
        job.item_failures,
        job.items_last_counted_at,
    )
    assert 1 == finished_items(project, ItemStatus.FAILED)
    assert (JobType.PARSE, ItemStatus.COMPLETED) not in project.view().counters.items_finished
    since = project.now
    project.run_until(since + 300)
    assert [] == project.sent("batch", since=since)


def test_v1beta_that_vanishes_loses_nothing_of_v2_and_calls_no_job_gone() -> None:
    """From one moment to the next it answers 404."""
    project = SimulatedPolling()
    project.run_until(45)
    project.world.add_job(
        SimulatedJob(
            id="old", status="running", created_at=EPOCH + 44, items=items_of("old", processing=4)
        )
    )
    batch = put(project, status="COMPLETED", created=44, running=4)
    project.run_until(100)
    assert {"old", "bat-1"} == {job.job_id for job in project.view().jobs}
    project.client.refused["v1beta"] = 404
    finish(project, batch, "FAILED", 4)
    project.run_until(HOUR)
    assert 4 == finished_items(project, ItemStatus.FAILED)
    assert [JobStatus.COMPLETED] == [event.job.status for event in project.events_of(JobEnded)]
    assert {"bat-1"} == {job.job_id for job in project.view().jobs}
    since = project.now
    del project.client.refused["v1beta"]
    project.run_until(since + 1000)
    assert {"old", "bat-1"} == {job.job_id for job in project.view().jobs}
    assert JobStatus.RUNNING is project.job("old").status


def test_a_hundred_batches_that_move_are_refreshed_in_turn() -> None:
    """Within 1.5 times the time that the requests of one round and the listings need."""
    project = v2_project(requests_per_minute=60)
    batches = [put(project, f"bat-{n}", "COMPLETED", created=44, running=30) for n in range(100)]

    def fail_one_of_each() -> None:
        for batch in batches:
            finish(project, batch, "FAILED", 1)

    project.every(60, fail_one_of_each)
    project.run_until(HOUR / 2)
    begin = HOUR / 4
    requests = project.counted(since=begin, until=HOUR / 2)
    assert requests.total() <= 900
    round_seconds = 2 * 100 + requests["list_batches"] * 2 * 100 / 900
    for batch in batches:
        path = f"/api/v2/batches/{batch.id}"
        moments = [s.moment for s in project.sent("batch", since=begin) if s.path == path]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert max(gaps) <= 1.5 * round_seconds


@pytest.mark.parametrize("job_type", ["parse_v2", "extract_v2"])
def test_requests_of_an_interval_are_as_documented(job_type: str) -> None:
    """One for each active batch, and for each 100 or 20 of its file jobs that have not ended."""
    project = v2_project()
    project.run_until(45)
    at_a_time, endpoint = {
        "parse_v2": (100, "list_parse_jobs"),
        "extract_v2": (20, "list_extract_jobs"),
    }[job_type]
    put(project, "one", "COMPLETED", created=44, job_type=job_type, running=at_a_time)
    put(project, "two", "COMPLETED", created=44, job_type=job_type, running=at_a_time + 1)
    put(project, "three", "RUNNING", created=44, job_type=job_type)
    project.run_until(420)
    assert {"list_batches": 10, "batch": 30, endpoint: 30} == project.counted(since=120, until=420)
    ids = {sent.ids for sent in project.sent(endpoint)}
    assert {at_a_time, 1} == ids


def test_a_full_listing_of_v2_costs_three_more() -> None:
    """For what is active and of any age."""
    project = v2_project()
    project.run_until(880)
    assert {"list_batches": 4} == project.counted(since=0, until=30)
    assert {"list_batches": 29} == project.counted(since=30, until=880)
    project.run_until(910)
    assert {"list_batches": 4} == project.counted(since=900, until=910)


def test_a_restart_invents_no_counter() -> None:
    """What ended before the new start adds nothing, whatever the old process had seen of it."""
    first = v2_project()
    first.run_until(45)
    batch = put(first, "ended", "COMPLETED", created=44, running=5)
    runs = put(first, "runs", "COMPLETED", created=44, running=5)
    first.run_until(75)
    finish(first, batch, "FAILED", 5)
    finish(first, runs, "FAILED", 3)
    first.run_until(300)
    second = v2_project()
    second.world.clock = lambda: EPOCH + 300 + second.now
    second.client.epoch = EPOCH + 300
    second.world.batches, second.world.file_jobs = first.world.batches, first.world.file_jobs
    second.run_until(300)
    assert 0 == finished_items(second, ItemStatus.FAILED)
    assert 0 == sum(second.view().counters.jobs_finished.values())
    finish(second, runs, "FAILED", 2)
    second.run_until(400)
    assert 2 == finished_items(second, ItemStatus.FAILED)


def test_a_count_that_is_withdrawn_adds_nothing() -> None:
    """The failed items of before the baseline are known, and do not count afterwards."""
    project = v2_project()
    batch = put(
        project, status="COMPLETED", created=-HOUR, updated=-60, ended=-60, failed=5, running=1
    )
    project.run_until(45)
    assert 5 == project.job("bat-1").failed_items
    batch.files += files_of("more", running=10_000)
    batch.status, batch.updated_at = "RUNNING", EPOCH + project.now
    show_results(project, "RUNNING")
    project.run_until(300)
    assert project.job("bat-1").items is None
    assert 0 == finished_items(project, ItemStatus.FAILED)
