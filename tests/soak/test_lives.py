"""The lives of the soak's jobs have the properties that its verdict relies on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from exporter.simulator import World
from tests.soak import lives
from tests.soak.births import seeded
from tests.soak.history import JobHistory
from tests.soak.lives import LEFT
from tests.soak.living import LivingJob
from tests.soak.projects import PROJECTS


def clock() -> float:
    return 1_790_000_001.5


def life_of(kind: str, seed: int) -> tuple[JobHistory, list[object]]:
    """Run a job to its end, and return its stays; it is never counted in between."""
    history = JobHistory("job-1", kind, PROJECTS[0], "parse", "", 1_790_000_000.25)
    job = LivingJob(World(clock=clock), history, seeded(seed, kind))
    more = (lambda: 0,) if kind in {"late", "unseen"} else ()
    return history, list(getattr(lives, kind)(job, *more))


def lived(kind: str, seed: int) -> JobHistory:
    return life_of(kind, seed)[0]


@pytest.mark.parametrize(
    "kind",
    [
        *("steady", "brief", "retried", "vanishing", "returning", "late", "called_off", "over"),
        *("unseen", "relapsing", "contradicted"),
    ],
)
def test_a_job_that_has_ended_is_put_again_only_if_it_differs(kind: str) -> None:
    """Its end is known, so it is not requested again, and later changes would not be shown."""
    for seed in range(400):
        for before, after in pairwise(lived(kind, seed).states):
            known = before.ended and (before.status, before.by_status)
            assert known != (after.status, after.by_status), seed


def test_an_unseen_job_is_there_ended_and_its_items_settle_later() -> None:
    """Some never settle; the exporter cannot see it active."""
    histories = [lived("unseen", seed) for seed in range(100)]
    assert all(state.ended for history in histories for state in history.states)
    assert {(False,), (False, True), (True,)} == {
        tuple(state.settled for state in history.states) for history in histories
    }


def test_an_unseen_job_settles_no_later_than_it_is_counted() -> None:
    """After the last count, the exporter would not see its items settle."""
    for seed in range(50):
        history = JobHistory("job-1", "unseen", PROJECTS[0], "parse", "", 1_790_000_000.25)
        job = LivingJob(World(clock=clock), history, seeded(seed, "unseen"))
        list(lives.unseen(job, times_counted=iter((0, 4)).__next__))
        assert 1 == len(history.states)


def test_a_relapsing_job_ends_without_a_failure_and_fails_once_it_has_left() -> None:
    """It has then returned, and must be shown for as long as other failing jobs."""
    for seed in range(50):
        history, stays = life_of("relapsing", seed)
        clean, failing = history.states[-2:]
        assert LEFT == stays[-1]
        assert (False, True) == (clean.failing, failing.failing)
        assert failing.put_at == history.returned_at
        assert clean.completed_at == failing.completed_at


def test_list_and_status_of_a_contradicted_job_differ_until_it_goes_on() -> None:
    """The status answer's own time is the older one."""
    world = World(clock=clock)
    history = JobHistory("job-1", "contradicted", PROJECTS[0], "parse", "", 1_790_000_000.25)
    life = lives.contradicted(LivingJob(world, history, seeded(1, "contradicted")))
    said = [world.jobs["job-1"].status_overrides for _ in life]
    contradicting = {
        "updated_at": "2026-09-21T14:13:20.250000+00:00",
        "status": "pending",
        "started_at": None,
    }
    assert 1 == said.count(contradicting)
    assert {} == world.jobs["job-1"].status_overrides
    assert all(one in ({}, contradicting) for one in said)
