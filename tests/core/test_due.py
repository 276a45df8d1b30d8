"""Which jobs are requested, in which order, and which may wait if the budget is too small."""

from dataclasses import replace

import pytest

from exporter.core.due import count_can_wait, due_jobs
from exporter.core.events import JobGivenUp
from exporter.core.observations import TimePassed
from exporter.domain import ItemCounts, ItemStatus, Job, JobStatus
from tests.support.history import EPOCH, HOUR, History, counts, job

QUARTER = 900.0


def ended(job_id: str = "job-1", **facts: object) -> Job:
    return job(job_id, **({"status": JobStatus.COMPLETED} | facts))


def given_up(history: History) -> list[Job]:
    """Return the jobs whose items were given up, once for each report."""
    return [event.job for event in history.events if isinstance(event, JobGivenUp)]


def is_due(history: History) -> bool:
    """Return whether the job is to be refreshed now, with any priority."""
    due = history.due()
    return bool(due.regular or due.low_priority)


def can_wait(history: History) -> bool:
    tracked = history.table.get("job-1")
    assert tracked is not None
    return count_can_wait(tracked, history.moment)


def due(history: History, *, patience: float) -> list[str]:
    return due_jobs(history.table, history.rules, history.moment, patience).regular


def counted_twice() -> History:
    history = History().listing(job()).at(10).count(items=counts(completed=3))
    return history.at(20).count(items=counts(completed=3))


def test_the_oldest_data_comes_first() -> None:
    """Jobs without any answer come before all others."""
    history = History().listing(job("a"), job("b"), job("c"))
    history.at(2).status(job("a")).at(1).status(job("b"))
    assert history.due().regular == ["c", "b", "a"]


def test_jobs_that_had_ended_before_they_were_seen_come_last() -> None:
    """Until one status and one count that is settled are known."""
    over = ended("over", completed_at=EPOCH - 5)
    history = History().listing(job("a"), over)
    assert (history.due().regular, history.due().low_priority) == (["a"], ["over"])
    assert history.status(over).due().low_priority == ["over"]
    history.count("over", counts(completed=10))
    assert (history.due().regular, history.at(HOUR).due().low_priority) == (["a"], [])


@pytest.mark.parametrize("seen_active", [True, False])
def test_a_job_that_has_ended_is_counted_until_its_items_are_settled(*, seen_active: bool) -> None:
    """All of them, and then never again."""
    over = ended(total_items=2, completed_at=EPOCH - 5)
    history = History().listing(*[job(total_items=2)] * seen_active).at(30)
    history.listing(over).status(over)
    for moment, items in (
        (30, counts()),
        (60, counts(completed=1)),
        (120, counts(completed=1, processing=1)),
    ):
        assert is_due(history.at(moment))
        assert not is_due(history.count(items=items))
    assert is_due(history.at(240))
    history.count(items=counts(completed=2))
    assert not is_due(history.at(HOUR))
    assert [] == given_up(history)


@pytest.mark.parametrize("seen_active", [True, False])
def test_it_is_counted_after_one_interval_then_two_four_and_eight(*, seen_active: bool) -> None:
    """Five times at most: items that never settle must not cost requests for ever."""
    over = ended(completed_at=EPOCH - 5)
    history = History().listing(*[job()] * seen_active).at(30).listing(over).status(over)
    moments = [30 + 30 * intervals for intervals in (0, 1, 1 + 2, 1 + 2 + 4, 1 + 2 + 4 + 8)]
    due = []
    for moment in range(30, int(HOUR), 30):
        # A count follows a listing that may be a little early.
        if is_due(history.at(moment - 10)):
            due.append(moment)
            assert [] == given_up(history)
            history.at(moment).count(items=counts(processing=1))
    assert moments == due
    assert [over] == given_up(history)
    assert {} == history.at(30 * HOUR).shown()
    assert [over] == given_up(history)


def test_it_is_uncounted_until_all_its_items_were_counted() -> None:
    """Since its end; counts of a few statuses are not enough."""
    history = History().listing(job()).count(items=counts(completed=3, pending=7))
    assert 0 == history.view().uncounted_jobs
    history.at(30).listing(ended(), ended("unseen", completed_at=EPOCH + 20))
    assert 2 == history.view().uncounted_jobs
    history.count(items=counts(completed=9, pending=1), asked=29)
    history.count("unseen", ItemCounts({ItemStatus.FAILED: 0}))
    assert 2 == history.view().uncounted_jobs
    history.at(60).count("unseen", counts(completed=10)).count(items=counts(completed=10))
    assert 0 == history.view().uncounted_jobs


def test_it_is_counted_again_however_late_its_first_count_came() -> None:
    """Where the budget is too small, that may be long after the end."""
    history = History().listing(job()).at(30).listing(ended()).status(ended())
    history.at(2 * HOUR).count(items=counts(processing=1))
    assert [] == history.due().low_priority
    assert ["job-1"] == history.at(2 * HOUR + 30).due().low_priority
    history.count(items=counts(completed=10))
    assert not is_due(history.at(3 * HOUR))
    assert 10 == history.finished_items("completed")


def test_a_job_that_could_not_be_counted_in_time_is_of_low_priority() -> None:
    """It is not given up: nothing else may show its failed items."""
    history = History().listing(job()).at(30).listing(ended()).at(930)
    assert (["job-1"], []) == (history.due().regular, history.due().low_priority)
    history.at(931)
    assert ([], ["job-1"]) == (history.due().regular, history.due().low_priority)


def test_a_count_that_began_before_the_end_does_not_settle_it() -> None:
    """Too many items for an active job may be few enough for the final count."""
    over = ended(total_items=15_000)
    history = History().listing(job(total_items=0)).at(30).listing(over)
    history.count(asked=29).status(over)
    assert ["job-1"] == history.due().regular
    history.count()
    assert [] == history.due().regular


def test_no_job_leaves_before_it_was_requested() -> None:
    """Not even without any retention, while the answers may still come."""
    history = History(retention_finished=0.0, retention_failed=0.0, min_scrapes=0)
    history.listing(job()).at(30).listing(ended(total_items=1)).view()
    assert ["job-1"] == history.due().regular
    history.status(ended(total_items=1)).count(items=counts(completed=1))
    assert {} == history.shown()
    assert 1 == history.finished_items("completed")


@pytest.mark.parametrize("seen_active", [True, False])
@pytest.mark.parametrize(
    ("finished", "failed", "longest"),
    [(HOUR, 0.0, HOUR), (60.0, 6 * HOUR, 6 * HOUR), (60.0, 60.0, QUARTER)],
)
def test_a_job_waits_for_answers_for_the_longest_retention_and_a_quarter_of_an_hour(
    finished: float, failed: float, longest: float, *, seen_active: bool
) -> None:
    """Whatever is longest; nothing else needs to happen for it to leave then."""
    over = ended(completed_at=EPOCH + 30)
    rules = {"retention_finished": finished, "retention_failed": failed, "min_scrapes": 0}
    history = History(**rules).listing(*[job()] * seen_active).at(30).listing(over)
    assert ["job-1"] == list(history.at(30 + longest - 0.5).shown())
    assert [] == given_up(history)
    history.at(30 + longest).receive(TimePassed())
    assert ([over], {}) == (given_up(history), history.shown())
    history.listing(over).shown()
    assert [over] == given_up(history)


def test_it_leaves_as_soon_as_all_is_known_once_its_retention_is_over() -> None:
    """It was kept for the answers alone."""
    history = History(min_scrapes=0).listing(job()).at(30).listing(ended())
    history.at(5 * HOUR).count(items=counts(completed=10))
    assert ["job-1"] == list(history.shown())
    assert {} == history.status(ended()).shown()
    assert [] == given_up(history)
    assert 10 == history.finished_items("completed")


def test_of_the_jobs_of_low_priority_the_newest_end_comes_first() -> None:
    """People want to see those first."""
    history = History().listing(
        ended("old", completed_at=EPOCH - 50), ended("new", completed_at=EPOCH - 5)
    )
    assert ["new", "old"] == history.due().low_priority


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
    """Any change counts, from a listing or from its status."""
    assert not can_wait(counted_twice().at(30).listing(job(processed_items=5)))
    assert not can_wait(counted_twice().at(30).status(job(failed_items=1)))
    assert can_wait(counted_twice().at(30).status(job(updated_at=1.0)))
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


def test_a_job_whose_items_do_not_add_up_is_counted_again_ever_later() -> None:
    """After one interval, then two, four and so on: its list may have moved under the paging."""
    history = History().listing(job())
    moment = 10.0
    for intervals in (1, 2, 4, 8, 16):
        history.at(moment).does_not_add_up()
        assert not history.at(moment + (intervals - 0.6) * 30).wants_count()
        moment += intervals * 30
        assert history.at(moment).wants_count()
    history.count(items=counts(completed=3)).at(moment + 1).count()
    assert not history.at(moment + 800).wants_count()


def test_no_job_whose_items_do_not_add_up_waits_for_more_than_a_quarter_of_an_hour() -> None:
    """However often they did not."""
    history = History().listing(job())
    for times in range(50):
        history.at(1000.0 * times).does_not_add_up()
    assert not history.at(49_800).wants_count()
    assert history.at(49_900).wants_count()


def test_jobs_that_moved_come_first() -> None:
    """A row or the last refresh may show that they moved. The oldest data follows."""
    moved = job("c", processed_items=1)
    history = History().listing(job("a"), job("b"), job("c"))
    history.at(1).status(job("a")).at(2).status(job("b")).at(3).status(moved)
    assert ["c", "a", "b"] == due(history.at(4), patience=0.0)
    history.at(30).listing(job("a"), job("b", processed_items=1), moved)
    assert ["b", "c", "a"] == due(history, patience=0.0)


def test_a_job_in_which_nothing_moves_waits_for_as_long_as_nothing_has() -> None:
    """Up to the patience, and half an interval less: refreshes follow listings."""
    history = History().listing(job()).at(600).status(job())
    for patience, waits in ((900.0, 600), (300.0, 300), (30.0, 30)):
        assert [] == due(history.at(600 + waits - 15.5), patience=patience)
        assert ["job-1"] == due(history.at(600 + waits - 15), patience=patience)
    assert ["job-1"] == due(history.at(600), patience=0.0)


def test_a_job_that_moved_or_was_never_requested_does_not_wait() -> None:
    """Its row, its status, its progress or its items may have changed."""
    history = History().listing(job())
    assert ["job-1"] == due(history, patience=900.0)
    history.at(600).status(job(), 0.1)
    assert [] == due(history.at(610), patience=900.0)
    assert ["job-1"] == due(history.listing(job(processed_items=1)), patience=900.0)
    history.at(1200).status(job(processed_items=1), 0.1)
    assert [] == due(history.at(1210), patience=900.0)
    assert ["job-1"] == due(history.status(job(processed_items=2), 0.1), patience=900.0)
    history.at(1800).status(job(processed_items=2), 0.1)
    assert [] == due(history.at(1810), patience=900.0)
    assert ["job-1"] == due(history.status(job(processed_items=2), 0.2), patience=900.0)
    history.at(2400).count(items=counts(pending=9)).status(job(processed_items=2), 0.2)
    assert [] == due(history.at(2410), patience=900.0)
    assert ["job-1"] == due(history.count(items=counts(pending=8)), patience=900.0)


def test_a_job_that_has_ended_does_not_wait() -> None:
    """It is requested until everything is known of it."""
    history = History().listing(job()).at(600).status(job())
    assert [] == due(history.at(610), patience=900.0)
    ended = job(status=JobStatus.COMPLETED, completed_at=EPOCH + 605)
    assert ["job-1"] == due(history.listing(ended), patience=900.0)
    history.status(ended)
    assert ["job-1"] == due(history, patience=900.0)
    history.at(611).listing(replace(ended, failed_items=1))
    assert ["job-1"] == due(history, patience=900.0)
