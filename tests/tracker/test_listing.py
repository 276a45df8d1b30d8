"""A listing of many rows is taken in some at a time, and answers come between them."""

from history import EPOCH, NOT_KNOWN, History, job, take_in

from exporter import tracker
from exporter.domain import JobNotFound, JobRefreshed, JobStatus, Listing, at_once

MANY = tuple(job(f"job-{number:03d}") for number in range(350))


def _listing(*, asked: float) -> Listing:
    return Listing(MANY, asked_monotonic=asked, began_at=EPOCH + asked, ended_at=EPOCH + asked + 1)


def test_an_answer_that_comes_between_rows_is_kept() -> None:
    """Of a job that was taken in already, and of one that was not yet: both are newer."""
    history = History().listing(*MANY).at(60)
    state = history.state
    answers = [
        JobRefreshed(job(job_id, failed_items=4), 0.5, 61.0, EPOCH + 61)
        for job_id in ("job-000", "job-349")
    ]

    for number, transition in enumerate(tracker.taking_in(_listing(asked=60), history.rules, 62)):
        state, _ = transition(state)
        if number == 2:
            for answer in answers:
                state, _ = tracker.refreshed(state, answer, 62)

    history.state = state
    shown = history.at(62).shown()
    assert [shown[answer.job.id].failed_items for answer in answers] == [4, 4]
    assert history.finished_items("failed") == 8


def test_a_job_that_is_listed_is_not_gone_while_its_row_waits() -> None:
    """Not even where it was missing from the listing before, and answers 404 once more."""
    history = History().listing(*MANY).at(60).listing(*MANY[:-1]).not_found("job-349")
    state = history.state

    for transition in tracker.taking_in(_listing(asked=90), history.rules, 92):
        state, _ = transition(state)
        state, events = tracker.not_found(
            state, JobNotFound("job-349", 92, EPOCH + 92, NOT_KNOWN), 92
        )
        assert events == ()

    history.state = state
    assert history.at(92).shown()["job-349"].status is JobStatus.RUNNING


def test_an_ended_job_that_is_listed_is_asked_for_while_its_row_waits() -> None:
    """A 404 of what the last listing showed is an error, not an end of its story."""
    ended = tuple(job(row.id, status=JobStatus.COMPLETED) for row in MANY)
    history = History().listing(*MANY).at(60).listing(*ended)
    state = history.state

    for transition in tracker.taking_in(_listing(asked=90), history.rules, 92):
        state, _ = tracker.not_found(state, JobNotFound("job-000", 92, EPOCH + 92, NOT_KNOWN), 92)
        assert tracker.wants_count(state, "job-000", history.rules, 92)
        state, _ = transition(state)


def test_what_is_published_between_the_first_rows_is_stale() -> None:
    """Totals of half a project would lie: they come with its last row."""
    history = History()
    state = history.state
    fresh = []
    for transition in tracker.taking_in(_listing(asked=0), history.rules, 1):
        state, _ = transition(state)
        state, steps = tracker.publish(state, history.rules, 1)
        view = at_once(steps)
        fresh.append(view.gauges is not None and len(view.jobs) == len(MANY))
    assert fresh == [False] * (len(fresh) - 1) + [True]
    assert len(fresh) > 3


def test_counters_are_the_same_however_rows_are_cut() -> None:
    """As if all had come at once."""
    rules, state = History().rules, History().state
    state, _ = take_in(_listing(asked=0), state, rules, 1)
    ended = tuple(
        job(row.id, status=JobStatus.COMPLETED, failed_items=1, completed_at=EPOCH + 90)
        for row in MANY
    )
    late = Listing(ended, asked_monotonic=100, began_at=EPOCH + 100, ended_at=EPOCH + 101)
    state, events = take_in(late, state, rules, 101)

    history = History().at(101)
    history.state = state
    assert history.finished_jobs("completed") == len(MANY)
    assert history.finished_items("failed") == len(MANY)
    assert len(events) == len(MANY)
