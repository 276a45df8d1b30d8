"""A listing of many rows is taken in some at a time, and answers come between them."""

from exporter.domain import JobNotFound, JobRefreshed, JobStatus, Listing
from tests.support.history import EPOCH, NOT_KNOWN, History, answered, job, parts

# All of them have series.
MANY = tuple(job(f"job-{number:03d}") for number in range(750))


def _listing(*, asked: float) -> Listing:
    return Listing(MANY, asked_monotonic=asked, began_at=EPOCH + asked, ended_at=EPOCH + asked + 1)


def _not_found(job_id: str, asked: float) -> JobNotFound:
    return JobNotFound(job_id, asked, EPOCH + asked, NOT_KNOWN)


def test_an_answer_that_comes_between_rows_is_kept() -> None:
    """It is newer than the row, for a job that was listed before and for one that was not."""
    history = History(max_jobs=len(MANY)).listing(*MANY).at(62)
    answers = [
        JobRefreshed(job(job_id, failed_items=4), 0.5, 61.0, EPOCH + 61)
        for job_id in ("job-000", "job-749")
    ]

    for number, part in enumerate(parts(_listing(asked=60), 60)):
        history.receive(part)
        if number == 2:
            for answer in answers:
                history.receive(answered(answer, 61.0))

    shown = history.shown()
    assert [shown[answer.job.id].failed_items for answer in answers] == [4, 4]
    assert history.finished_items("failed") == 8


def test_a_job_that_is_listed_is_not_gone_while_its_row_waits() -> None:
    """Not even where it was missing from the listing before, and answers 404 once more."""
    history = (
        History(max_jobs=len(MANY))
        .listing(*MANY)
        .at(60)
        .listing(*MANY[:-1])
        .not_found("job-749")
        .at(92)
    )

    for part in parts(_listing(asked=90), 90):
        history.receive(part)
        assert history.receive(answered(_not_found("job-749", 92), 92)) == []

    assert history.shown()["job-749"].status is JobStatus.RUNNING


def test_an_ended_job_that_is_listed_is_requested_while_its_row_waits() -> None:
    """A 404 of what the last listing showed is an error, not an end of its story."""
    ended = tuple(job(row.id, status=JobStatus.COMPLETED) for row in MANY)
    history = History(max_jobs=len(MANY)).listing(*MANY).at(60).listing(*ended).at(92)

    for part in parts(_listing(asked=90), 90):
        history.receive(answered(_not_found("job-000", 92), 92))
        assert history.wants_count("job-000")
        history.receive(part)


def test_what_is_published_between_the_first_rows_is_stale() -> None:
    """Totals of half a project would lie: they come with its last row."""
    history = History(max_jobs=len(MANY)).at(1)
    fresh = []
    for part in parts(_listing(asked=0), 0):
        history.receive(part)
        view = history.view()
        fresh.append(view.gauges is not None and len(view.jobs) == len(MANY))
    assert fresh == [False] * (len(fresh) - 1) + [True]
    assert len(fresh) > 3


def test_counters_are_the_same_however_rows_are_cut() -> None:
    """As if all had come at once."""
    history = History(max_jobs=len(MANY)).at(1)
    for part in parts(_listing(asked=0), 0):
        history.receive(part)
    appeared = len(history.events)
    ended = tuple(
        job(row.id, status=JobStatus.COMPLETED, failed_items=1, completed_at=EPOCH + 90)
        for row in MANY
    )
    late = Listing(ended, asked_monotonic=100, began_at=EPOCH + 100, ended_at=EPOCH + 101)
    history.at(101)
    for part in parts(late, 100):
        history.receive(part)

    assert history.finished_jobs("completed") == len(MANY)
    assert history.finished_items("failed") == len(MANY)
    assert len(history.events) - appeared == len(MANY)
