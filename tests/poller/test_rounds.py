"""Whose turn it is: each job once a poll, and none twice before all had a turn."""

from exporter.poller.rounds import Rounds
from exporter.tracker import DueJobs


class Due:
    """Jobs that are due, as the tracker would say."""

    def __init__(self, *regular: str, last: tuple[str, ...] = ()) -> None:
        self.regular = list(regular)
        self.last = list(last)

    def due(self) -> DueJobs:
        """Return them in order."""
        return DueJobs(self.regular, self.last)

    def is_due(self, job_id: str) -> bool:
        """Tell whether a job is due."""
        return job_id in {*self.regular, *self.last}


def taken(rounds: Rounds, limit: int = 99) -> list[str]:
    ids: list[str] = []
    while len(ids) < limit and (job_id := rounds.take()):
        rounds.done(job_id)
        ids.append(job_id)
    return ids


def test_nothing_is_handed_out_before_a_listing() -> None:
    """Nor after one that failed."""
    due = Due("a")
    rounds = Rounds(due)
    assert [] == taken(rounds)
    rounds.begin_poll()
    rounds.pause()
    assert [] == taken(rounds)


def test_each_job_has_one_turn_a_poll() -> None:
    """In the order in which they are due."""
    due = Due("b", "a")
    rounds = Rounds(due)
    for _ in range(2):
        rounds.begin_poll()
        assert ["b", "a"] == taken(rounds)


def test_a_round_goes_on_where_the_poll_before_ended() -> None:
    """So that no job starves, however few turns a poll has."""
    due = Due("a", "b", "c")
    rounds = Rounds(due)
    turns = []
    for poll in range(4):
        rounds.begin_poll()
        turns += taken(rounds, limit=2)
        due.regular.insert(0, f"new-{poll}")
    assert ["a", "b", "c", "new-0", "a", "b", "new-2", "new-1"] == turns


def test_a_job_that_is_no_longer_due_loses_its_turn() -> None:
    """It may have left meanwhile."""
    due = Due("a", "b", "c")
    rounds = Rounds(due)
    rounds.begin_poll()
    assert ["a"] == taken(rounds, limit=1)
    due.regular.remove("b")
    assert ["c"] == taken(rounds)


def test_a_job_that_is_being_refreshed_is_not_handed_out_again() -> None:
    """Also when the next poll has begun."""
    due = Due("a")
    rounds = Rounds(due)
    rounds.begin_poll()
    assert "a" == rounds.take()
    rounds.begin_poll()
    assert rounds.take() is None
    assert not rounds.is_idle
    rounds.done("a")
    assert rounds.is_idle


def test_a_round_has_a_place_for_one_job_that_is_last_in_line() -> None:
    """So that it does not starve either, and never makes a round long."""
    due = Due("a", "b", last=("old-1", "old-2", "old-3"))
    rounds = Rounds(due)
    turns = []
    for _ in range(6):
        rounds.begin_poll()
        turns += taken(rounds, limit=1)
        due.last = [job_id for job_id in due.last if job_id not in turns]
    assert ["a", "b", "old-1", "a", "b", "old-2"] == turns


def test_the_others_that_are_last_in_line_come_when_nothing_else_is_left() -> None:
    """While the budget suffices, they are not kept waiting."""
    rounds = Rounds(Due("a", "b", last=("old-1", "old-2", "old-3")))
    rounds.begin_poll()
    assert ["a", "b", "old-1", "old-2", "old-3"] == taken(rounds)
    assert [] == taken(rounds)
