"""The world as it grows: jobs start at a steady rate and progress, all from one seed."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

from tests.soak.births import (
    BEFORE_THE_START,
    created_ago_seconds,
    drawn_life,
    history_of,
    life_of,
    seeded,
)
from tests.soak.history import API_VERSIONS
from tests.soak.lives import HOLD, LEFT, Hold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from exporter.simulator import World
    from tests.soak.births import Life
    from tests.soak.history import JobHistory

# At most this many are alive, or have an unseen end. On a busy machine, or while their API
# generation is withdrawn, the exporter falls behind, and the world must wait for it, or computing
# the truth would take too long.
_UNSEEN_AT_MOST: Mapping[str, int] = {"v1beta": 60, "v2": 30}
_END_UNSEEN_AT_MOST_SECONDS = 20.0


class GrowingWorld:
    """Advances the jobs of a world, and records their ``histories``.

    ``is_shown`` returns whether the exposition shows a job as it was after its latest change,
    ``is_known`` whether it shows a job as it is, ``has_left`` whether it no longer shows it.
    """

    def __init__(
        self,
        world: World,
        histories: dict[str, JobHistory],
        seed: int,
        *,
        jobs_per_second: float,
        is_shown: Callable[[JobHistory], bool],
        is_known: Callable[[JobHistory], bool],
        has_left: Callable[[JobHistory], bool],
        times_counted: Callable[[str], int],
        api_versions: Collection[str] = API_VERSIONS,
    ) -> None:
        self._world = world
        self._histories = histories
        self._seed = seed
        self._api_versions = api_versions
        self._random = seeded(seed, "births")
        self._seconds_between_births = 1 / jobs_per_second
        self._is_known = is_known
        self._go_on = {HOLD: is_shown, LEFT: has_left}
        self._times_counted = times_counted
        self._numbers = count(1)
        # The number of a job decides between two that are due at the same moment.
        self._due: list[tuple[float, int, JobHistory, Life]] = []
        self._held: list[tuple[Hold, int, JobHistory, Life]] = []
        self._ended: list[JobHistory] = []
        self._next_birth = 0.0

    def open(self) -> None:
        """Add the jobs that existed before the exporter."""
        for api_version in self._api_versions:
            for kind, number in BEFORE_THE_START[api_version].items():
                for _ in range(number):
                    ago_seconds = created_ago_seconds(self._random, api_version, kind)
                    self._add_birth(api_version, kind, ago_seconds)

    def advance(self, *, may_be_slow: bool) -> None:
        """Apply all changes that are due; new lives ``may_be_slow`` if there is time for it."""
        now = self._world.clock()
        # Births that were missed are not made up for.
        self._next_birth = max(self._next_birth, now - 2 * self._seconds_between_births)
        while self._next_birth <= now:
            api_version, kind = drawn_life(self._random, may_be_slow=may_be_slow)
            may_live = api_version in self._api_versions
            if may_live and self._unseen(api_version) < _UNSEEN_AT_MOST[api_version]:
                self._add_birth(api_version, kind, 0.0)
            self._next_birth += self._random.expovariate(1 / self._seconds_between_births)
        while self._due and self._due[0][0] <= now:
            _, number, history, life = heapq.heappop(self._due)
            self._live_on(number, history, life)

    def release(self) -> None:
        """Continue jobs whose held state has been seen, or which have left."""
        held, self._held = self._held, []
        for hold, number, history, life in held:
            if self._go_on[hold](history):
                self._live_on(number, history, life)
            else:
                self._held.append((hold, number, history, life))
        oldest = self._world.clock() - _END_UNSEEN_AT_MOST_SECONDS
        self._ended = [
            history
            for history in self._ended
            if history.latest.put_at > oldest and not self._is_known(history)
        ]

    def forget_perhaps(self, history: JobHistory) -> None:
        """Remove a job that is over, or keep listing it."""
        if history.kind == "relapsing" and history.returned_at is None:
            return
        if seeded(self._seed, f"{history.job_id} is over").random() < 0.5:
            self._forget(history.job_id)

    def _forget(self, job_id: str) -> None:
        if job_id in self._world.jobs:
            self._world.remove_job(job_id)
        if job_id in self._world.batches:
            batch = self._world.batches[job_id]
            self._world.remove_batch(job_id)
            for file in batch.files:
                if file.job is not None:
                    self._world.remove_file_job(file.job.id)

    def _unseen(self, api_version: str) -> int:
        under_way = [history for *_, history, _ in (*self._due, *self._held)]
        return sum(one.api_version == api_version for one in (*under_way, *self._ended))

    def _add_birth(self, api_version: str, kind: str, ago_seconds: float) -> None:
        number = next(self._numbers)
        job_id = f"{'bat' if api_version == 'v2' else 'job'}-{number:06d}"
        random = seeded(self._seed, job_id)
        created_at = round(self._world.clock() - ago_seconds, 6)
        history = history_of(job_id, api_version, kind, created_at, random)
        self._histories[job_id] = history
        life = life_of(history, self._world, random, self._times_counted)
        self._live_on(number, history, life)

    def _live_on(self, number: int, history: JobHistory, life: Life) -> None:
        stay = next(life, None)
        if stay is None:
            # Jobs that are over from the start are not waited for.
            self._ended.extend([history] if history.adds else [])
        elif isinstance(stay, Hold):
            self._held.append((stay, number, history, life))
        else:
            heapq.heappush(self._due, (self._world.clock() + stay, number, history, life))
