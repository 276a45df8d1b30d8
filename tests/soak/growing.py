"""The world as it grows: jobs are born at a steady rate and live on, all from one seed."""

from __future__ import annotations

import heapq
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from soak import lives
from soak.history import JobHistory
from soak.lives import HOLD, LEFT, Hold
from soak.living import LivingJob
from soak.projects import ARCHIVE, PROJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.simulator import World

_NEW_LIVES: Mapping[str, float] = {
    "steady": 44,
    "brief": 14,
    "retried": 10,
    "vanishing": 5,
    "returning": 5,
    "late": 6,
    "unseen": 6,
    "relapsing": 4,
    "contradicted": 3,
    "called_off": 3,
    "large": 1,
}
_SHARE_OF_SPARSE: Mapping[str, float] = {"steady": 0.1, "unseen": 0.5}
_BEFORE_THE_START: Mapping[str, int] = {"under_way": 8, "woken": 3, "over": 4}
# More than some pages hold, so that a listing which stops early leaves something out.
_LONG_OVER = 300
_DAY = 86400.0
# So many at most live, or have an end that was not seen yet: on a busy machine the exporter falls
# behind, and so must the world, or the truth would be too much work for what time there is.
_UNSEEN_AT_MOST = 70
_END_UNSEEN_AT_MOST_SECONDS = 20.0


class GrowingWorld:
    """Moves the jobs of a world on, and records their ``histories``.

    ``is_shown`` tells whether the exposition shows a job as it is, ``has_left`` whether it does not
    show a job any more.
    """

    def __init__(
        self,
        world: World,
        histories: dict[str, JobHistory],
        seed: int,
        *,
        jobs_per_second: float,
        is_shown: Callable[[JobHistory], bool],
        has_left: Callable[[JobHistory], bool],
        times_counted: Callable[[str], int],
    ) -> None:
        self._world = world
        self._histories = histories
        self._seed = seed
        self._random = seeded(seed, "births")
        self._seconds_between_births = 1 / jobs_per_second
        self._is_shown = is_shown
        self._go_on = {HOLD: is_shown, LEFT: has_left}
        self._times_counted = times_counted
        self._numbers = count(1)
        self._due: list[tuple[float, int, Iterator[float | Hold]]] = []
        self._held: list[tuple[Hold, JobHistory, int, Iterator[float | Hold]]] = []
        self._ended: list[JobHistory] = []
        self._next_birth = 0.0

    def open(self) -> None:
        """Put what was there before the exporter."""
        for kind, number in _BEFORE_THE_START.items():
            for _ in range(number):
                self._bear(kind, created_ago_seconds=_DAY + 7200 * (1 + self._random.random()))
        for _ in range(_LONG_OVER):
            self._bear("long_over", created_ago_seconds=2 * _DAY * (1 + self._random.random()))

    def advance(self) -> None:
        """Let happen what is due by now."""
        now = self._world.clock()
        # What could not be born in time is not made up for.
        self._next_birth = max(self._next_birth, now - 2 * self._seconds_between_births)
        while self._next_birth <= now and self._unseen < _UNSEEN_AT_MOST:
            self._bear(self._drawn(_NEW_LIVES), created_ago_seconds=0.0)
            self._next_birth += self._random.expovariate(1 / self._seconds_between_births)
        while self._due and self._due[0][0] <= now:
            _, number, life = heapq.heappop(self._due)
            self._live_on(number, life)

    def release(self) -> None:
        """Let those jobs go on whose state has been seen, or that have left."""
        held, self._held = self._held, []
        for hold, history, number, life in held:
            if self._go_on[hold](history):
                self._live_on(number, life)
            else:
                self._held.append((hold, history, number, life))
        oldest = self._world.clock() - _END_UNSEEN_AT_MOST_SECONDS
        self._ended = [
            history
            for history in self._ended
            if history.latest.put_at > oldest and not self._is_shown(history)
        ]

    @property
    def _unseen(self) -> int:
        return len(self._due) + len(self._held) + len(self._ended)

    def forget_perhaps(self, history: JobHistory) -> None:
        """Let LlamaCloud forget a job that is over, or go on listing it."""
        if history.kind == "relapsing" and history.returned_at is None:
            return
        is_forgotten = seeded(self._seed, f"{history.job_id} is over").random() < 0.5
        if is_forgotten and history.job_id in self._world.jobs:
            self._world.remove_job(history.job_id)

    def _bear(self, kind: str, *, created_ago_seconds: float) -> None:
        number = next(self._numbers)
        job_id = f"job-{number:06d}"
        random = seeded(self._seed, job_id)
        sparse = random.random() < _SHARE_OF_SPARSE.get(kind, 0.0)
        old = kind in {"long_over", "woken"}
        self._histories[job_id] = history = JobHistory(
            job_id=job_id,
            kind=kind,
            project=ARCHIVE
            if old
            else random.choices(PROJECTS, [project.share for project in PROJECTS])[0],
            job_type=random.choices(("parse", "extract", "classify", "unknown"), (5, 3, 2, 1))[0],
            directory_id="" if sparse else random.choice(("", "dir-1", "dir-2")),
            created_at=round(self._world.clock() - created_ago_seconds, 6),
            sparse=sparse,
        )
        self._live_on(number, self._life(kind, LivingJob(self._world, history, random)))

    def _life(self, kind: str, job: LivingJob) -> Iterator[float | Hold]:
        more: tuple[Any, ...] = ()
        if kind in {"late", "unseen"}:
            more = (lambda: self._times_counted(job.job_id),)
        life: Iterator[float | Hold] = getattr(lives, kind)(job, *more)
        return life

    def _live_on(self, number: int, life: Iterator[float | Hold]) -> None:
        stay = next(life, None)
        if stay is None:
            self._ended.append(self._histories[f"job-{number:06d}"])
            return
        if isinstance(stay, Hold):
            self._held.append((stay, self._histories[f"job-{number:06d}"], number, life))
        else:
            heapq.heappush(self._due, (self._world.clock() + stay, number, life))

    def _drawn(self, weights: Mapping[str, float]) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]


def seeded(seed: int, subject: str) -> Random:
    """Return the random numbers of one subject: they do not depend on when others are drawn."""
    return Random(f"{seed}/{subject}")  # noqa: S311 - it decides nothing secret
