"""Whose turn it is: each job once a poll, and none twice before all had a turn."""

from exporter.poller.rounds import Rounds
from exporter.tracker import DueJobs


class Due:
    """Jobs that are due, as the tracker would say."""

    def __init__(self, *regular: str, last: tuple[str, ...] = ()) -> None:
        self.regular = list(regular)
        self.last = list(last)

    def jobs(self) -> DueJobs:
        """Return them in order."""
        return DueJobs(self.regular, self.last)

    def contains(self, job_id: str) -> bool:
        """Tell whether a job is due."""
        return job_id in {*self.regular, *self.last}


def taken(rounds: Rounds, due: Due, limit: int = 99) -> list[str]:
    ids: list[str] = []
    while len(ids) < limit and (job_id := rounds.take(due.jobs, due.contains)):
        rounds.done(job_id)
        ids.append(job_id)
    return ids


def test_nothing_is_handed_out_before_a_listing() -> None:
    """Nor after one that failed."""
    rounds, due = Rounds(), Due("a")
    assert [] == taken(rounds, due)
    rounds.begin_poll()
    rounds.pause()
    assert [] == taken(rounds, due)


def test_each_job_has_one_turn_a_poll() -> None:
    """In the order in which they are due."""
    rounds, due = Rounds(), Due("b", "a")
    for _ in range(2):
        rounds.begin_poll()
        assert ["b", "a"] == taken(rounds, due)


def test_a_round_goes_on_where_the_poll_before_ended() -> None:
    """So that no job starves, however few turns a poll has."""
    rounds, due = Rounds(), Due("a", "b", "c")
    turns = []
    for poll in range(4):
        rounds.begin_poll()
        turns += taken(rounds, due, limit=2)
        due.regular.insert(0, f"new-{poll}")
    assert ["a", "b", "c", "new-0", "a", "b", "new-2", "new-1"] == turns


def test_a_job_that_is_no_longer_due_loses_its_turn() -> None:
    """It may have left meanwhile."""
    rounds, due = Rounds(), Due("a", "b", "c")
    rounds.begin_poll()
    assert ["a"] == taken(rounds, due, limit=1)
    due.regular.remove("b")
    assert ["c"] == taken(rounds, due)


def test_a_job_that_is_being_refreshed_is_not_handed_out_again() -> None:
    """Also when the next poll has begun."""
    rounds, due = Rounds(), Due("a")
    rounds.begin_poll()
    assert "a" == rounds.take(due.jobs, due.contains)
    rounds.begin_poll()
    assert rounds.take(due.jobs, due.contains) is None
    assert not rounds.is_idle
    rounds.done("a")
    assert rounds.is_idle


def test_jobs_that_were_over_come_when_no_other_waits() -> None:
    """One by one, so that they never hold a round up."""
    rounds, due = Rounds(), Due("a", last=("old-1", "old-2"))
    rounds.begin_poll()
    assert ["a", "old-1"] == taken(rounds, due, limit=2)
    due.regular.append("b")
    assert ["b", "old-2"] == taken(rounds, due)
