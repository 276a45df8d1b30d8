"""The lives of the soak's batches hold what its verdict takes for granted."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from exporter.simulator import V2Style, World
from exporter.simulator.v2.rows import batch_row
from tests.soak import batch_lives
from tests.soak.batch_states import ALL_STATUSES, UNKNOWN_STATUS
from tests.soak.births import seeded
from tests.soak.history import ENDED_ITEM_STATUSES, JobHistory
from tests.soak.lives import HOLD
from tests.soak.living_batch import LivingBatch
from tests.soak.projects import PROJECTS

if TYPE_CHECKING:
    from tests.soak.history import State

NOW = 1_790_000_001.5
NEW = ("steady", "large", "brief", "failed", "cancelled", "vanishing", "retried")
OF_BEFORE = ("under_way", "mapped_before", "over", "long_over")
SLOW = tuple(sorted(batch_lives.SLOW))
SEEDS = range(25)


def born(kind: str, seed: int, world: World | None = None) -> LivingBatch:
    """Let a batch begin, created long ago if it was there before the exporter."""
    ago_seconds = 100_000 if kind in OF_BEFORE else 1.25
    types = ("parse", "extract", "unknown")
    history = JobHistory(
        job_id="bat-1",
        kind=kind,
        project=PROJECTS[0],
        job_type=types[seed % 3],
        directory_id="dir-1",
        created_at=NOW - ago_seconds,
        api_version="v2",
        configuration_id="cfg-1",
    )
    world = world or World(clock=lambda: NOW)
    return LivingBatch(world, history, seeded(seed, kind))


def lived(kind: str, seed: int) -> list[tuple[State, bool]]:
    """Let a batch live to its end, and return its states, each with whether it is held."""
    batch = born(kind, seed)
    states = batch.history.states
    held: set[int] = set()
    for stay in getattr(batch_lives, kind)(batch):
        held |= {len(states) - 1} if stay is HOLD else set()
    return [(state, number in held) for number, state in enumerate(states)]


@pytest.mark.parametrize("kind", [*NEW, *SLOW, *OF_BEFORE])
def test_what_is_published_falls_only_after_it_was_held(kind: str) -> None:
    """Or the final values of the counters could not be known."""
    for seed in SEEDS:
        for (before, is_held), (after, _) in pairwise(lived(kind, seed)):
            falls = (before.is_told, before.status == "gone") > (after.is_told, True)
            falls |= any(
                before.by_status.get(status, 0) > after.by_status.get(status, 0)
                for status in ENDED_ITEM_STATUSES
            )
            assert is_held or not falls, seed


@pytest.mark.parametrize("kind", [*NEW, *SLOW, *OF_BEFORE])
def test_a_batch_that_has_ended_for_good_is_not_put_again(kind: str) -> None:
    """It is not requested again, so it would not be shown as it was put later."""
    for seed in SEEDS:
        states = [state for state, _ in lived(kind, seed)]
        for before, after in pairwise(states):
            is_final = before.ended and before.completed_at is not None and before.status != "gone"
            assert not is_final, (seed, before, after)


@pytest.mark.parametrize("kind", NEW)
def test_what_is_not_slow_comes_to_its_end(kind: str) -> None:
    """Except for what a batch that failed never showed."""
    ends = Counter(lived(kind, seed)[-1][0].status for seed in SEEDS)
    assert ends.keys() <= {"completed", "failed", "cancelled", "gone"}
    for seed in SEEDS:
        state = lived(kind, seed)[-1][0]
        assert state.later is None or state.status == "failed"


@pytest.mark.parametrize("kind", SLOW)
def test_what_nothing_tells_has_an_end_when_it_is_given_up(kind: str) -> None:
    """After thirty intervals; what is mapped late after all has one of its own."""
    waited = [state for seed in SEEDS for state, _ in lived(kind, seed) if state.later is not None]
    assert waited
    for state in waited:
        assert state.later is not None
        if state.later.completed_at is not None:
            assert state.later.status in {"completed", "cancelled"}
            assert not set(state.later.by_status) & {"pending", "processing"}
    latest = [lived(kind, seed)[-1][0] for seed in SEEDS]
    assert (kind != "mapped_late") == all(s.later and s.later.completed_at for s in latest)


def test_file_jobs_that_ended_before_the_exporter_are_of_before() -> None:
    """So are mapping errors of a batch that was mapped by then, and of no other."""
    for seed in SEEDS:
        (first, _), *_ = lived("under_way", seed)
        assert first.reasons_of_before.get("not_mapped", 0) == 0
        assert first.of_before == {
            status: number
            for status in ENDED_ITEM_STATUSES
            if (number := first.by_status.get(status, 0) - _not_mapped(first, status))
        }
        states = [state for state, _ in lived("mapped_before", seed)]
        for state in states:
            assert state.of_before == {
                s: n for s in ENDED_ITEM_STATUSES if (n := states[0].by_status.get(s, 0))
            }
        assert states[-1].by_status != states[-1].of_before


def _not_mapped(state: State, status: str) -> int:
    return state.failure_reasons.get("not_mapped", 0) if status == "failed" else 0


def test_batches_of_every_size_and_status_are_born() -> None:
    """Steady ones come in all statuses, some have results early, and some file jobs are odd."""
    states = [state for seed in range(60) for state, _ in lived("steady", seed)]
    statuses = {state.status for state in states}
    assert {"pending", "throttled", "running", "unknown", "dispatched", "completed"} == statuses
    assert {True, False} == {s.is_told for s in states if s.status == "running"}
    assert any(state.by_status.get("unknown") for state in states)
    assert any(state.failure_reasons.get("not_mapped") for state in states)
    assert any(state.total > 60 for state in states)


def test_llamacloud_gives_results_where_they_are_told_and_null_elsewhere() -> None:
    """With the very statuses of the files that the exporter is to publish."""
    world = World(clock=lambda: NOW)
    style = V2Style(results_in=ALL_STATUSES)
    told = Counter[tuple[str, bool]]()
    for seed in SEEDS:
        batch = born("steady", seed, world)
        for _ in batch_lives.steady(batch):
            row = batch_row(world.batches["bat-1"], style, expanded=True)
            told[row["status"], row["results"] is not None] += 1
            assert (row["results"] is not None) == batch.history.latest.is_told
            assert len(row["results"] or ()) == batch.history.latest.total
    assert told.keys() >= {
        *(("RUNNING", True), ("RUNNING", False), ("COMPLETED", True), (UNKNOWN_STATUS, False)),
    }


def test_a_batch_whose_results_were_known_is_counted_though_they_are_null() -> None:
    """As one that failed may be; one that was not seen before is not."""
    ends = [lived("failed", seed)[-1][0] for seed in range(40)]
    assert {True, False} == {state.is_told for state in ends}
    kept = born("failed", 1)
    kept.shows = frozenset({"RUNNING"})
    # The exporter must have read them for that.
    assert HOLD in list(batch_lives.failed(kept))
    assert kept.history.latest.is_told
    assert "failed" == kept.history.latest.status
