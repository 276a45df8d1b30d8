"""The lives of the soak's batches have the properties that its verdict relies on."""

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
    """Return a new batch, created long ago if it existed before the exporter."""
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
    """Run a batch to its end, and return its states, each with whether it is held."""
    batch = born(kind, seed)
    states = batch.history.states
    held: set[int] = set()
    for stay in getattr(batch_lives, kind)(batch):
        held |= {len(states) - 1} if stay is HOLD else set()
    return [(state, number in held) for number, state in enumerate(states)]


@pytest.mark.parametrize("kind", [*NEW, *SLOW, *OF_BEFORE])
def test_what_is_published_falls_only_after_it_was_held(kind: str) -> None:
    """Otherwise the final values of the counters would be unknown."""
    for seed in SEEDS:
        for (before, is_held), (after, _) in pairwise(lived(kind, seed)):
            falls = (before.has_results, before.status == "gone") > (after.has_results, True)
            falls |= any(
                before.by_status.get(status, 0) > after.by_status.get(status, 0)
                for status in ENDED_ITEM_STATUSES
            )
            assert is_held or not falls, seed


@pytest.mark.parametrize("kind", [*NEW, *SLOW, *OF_BEFORE])
def test_a_batch_that_has_ended_for_good_is_not_put_again(kind: str) -> None:
    """It is not requested again, so later changes would not be shown."""
    for seed in SEEDS:
        states = [state for state, _ in lived(kind, seed)]
        for before, after in pairwise(states):
            is_over = before.ended and before.completed_at is not None and before.status != "gone"
            assert not is_over, (seed, before, after)


@pytest.mark.parametrize("kind", NEW)
def test_what_is_not_slow_comes_to_its_end(kind: str) -> None:
    """All files get an outcome, except for what a failed batch never showed."""
    ends = Counter(lived(kind, seed)[-1][0].status for seed in SEEDS)
    assert ends.keys() <= {"completed", "failed", "cancelled", "gone"}
    for seed in SEEDS:
        state = lived(kind, seed)[-1][0]
        assert state.later is None or state.status == "failed"


@pytest.mark.parametrize("kind", SLOW)
def test_missing_results_end_when_they_are_given_up(kind: str) -> None:
    """This takes thirty intervals; files mapped late get outcomes of their own."""
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
    """The same holds for mapping errors of a batch that was mapped by then, and of no other."""
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
    """Steady ones have all statuses, some have early results, and some file jobs are odd."""
    states = [state for seed in range(60) for state, _ in lived("steady", seed)]
    statuses = {state.status for state in states}
    assert {"pending", "throttled", "running", "unknown", "dispatched", "completed"} == statuses
    assert {True, False} == {s.has_results for s in states if s.status == "running"}
    assert any(state.by_status.get("unknown") for state in states)
    assert any(state.failure_reasons.get("not_mapped") for state in states)
    assert any(state.total > 60 for state in states)


def test_llamacloud_returns_results_where_they_are_known_and_null_elsewhere() -> None:
    """The files have the statuses that the exporter must publish."""
    world = World(clock=lambda: NOW)
    style = V2Style(results_in=ALL_STATUSES)
    seen = Counter[tuple[str, bool]]()
    for seed in SEEDS:
        batch = born("steady", seed, world)
        for _ in batch_lives.steady(batch):
            row = batch_row(world.batches["bat-1"], style, expanded=True)
            seen[row["status"], row["results"] is not None] += 1
            assert (row["results"] is not None) == batch.history.latest.has_results
            assert len(row["results"] or ()) == batch.history.latest.total
    assert seen.keys() >= {
        *(("RUNNING", True), ("RUNNING", False), ("COMPLETED", True), (UNKNOWN_STATUS, False)),
    }


def test_a_batch_whose_results_were_known_is_counted_though_they_are_null() -> None:
    """A failed batch may be counted so; one that was not seen before is not."""
    ends = [lived("failed", seed)[-1][0] for seed in range(40)]
    assert {True, False} == {state.has_results for state in ends}
    kept = born("failed", 1)
    kept.shows = frozenset({"RUNNING"})
    # The exporter must have read them before.
    assert HOLD in list(batch_lives.failed(kept))
    assert kept.history.latest.has_results
    assert "failed" == kept.history.latest.status
