"""Which counts may wait where the budget is too small for all."""

from history import History, counts, job

from exporter.core.queue import count_can_wait
from exporter.domain import JobStatus


def can_wait(history: History) -> bool:
    tracked = history.table.get("job-1")
    assert tracked is not None
    return count_can_wait(tracked, history.moment)


def counted_twice() -> History:
    history = History().listing(job()).at(10).count(items=counts(completed=3))
    return history.at(20).count(items=counts(completed=3))


def test_a_job_that_was_never_counted_cannot_wait() -> None:
    """Nothing is known of its items."""
    assert not can_wait(History().listing(job()))


def test_a_job_in_which_nothing_changed_can() -> None:
    """Neither its record nor its counts."""
    history = counted_twice()
    assert can_wait(history.at(30).listing(job()))
    assert can_wait(history.at(31).status(job()))


def test_a_job_whose_items_moved_at_the_last_count_cannot() -> None:
    """They will have moved on."""
    history = counted_twice().at(30).count(items=counts(completed=4))
    assert not can_wait(history)
    assert can_wait(history.at(40).count(items=counts(completed=4)))


def test_a_job_whose_record_changed_since_the_count_cannot() -> None:
    """Whether a listing or its status tells, and whatever it is."""
    assert not can_wait(counted_twice().at(30).listing(job(processed_items=5)))
    assert not can_wait(counted_twice().at(30).status(job(updated_at=1.0)))
    assert not can_wait(counted_twice().status(job(), progress=0.1).at(30).status(job(), 0.2))


def test_no_count_waits_for_more_than_a_quarter_of_an_hour() -> None:
    """Items may move without their job showing it."""
    history = counted_twice()
    assert can_wait(history.at(20 + 899))
    assert not can_wait(history.at(20 + 900))


def test_a_job_that_ended_cannot() -> None:
    """Its final count is still missing."""
    assert not can_wait(counted_twice().at(30).listing(job(status=JobStatus.COMPLETED)))


def test_a_job_with_too_many_items_cannot() -> None:
    """It has no count that could grow old."""
    assert not can_wait(counted_twice().at(30).count())


def test_a_job_with_too_many_items_is_tried_again_when_it_grew_or_later() -> None:
    """How many of them matter may have changed by then."""
    history = History().listing(job()).at(10).count()
    assert not history.at(10 + 899).wants_count()
    assert history.at(10 + 900).wants_count()
    assert history.at(30).listing(job(total_items=12_000)).wants_count()
