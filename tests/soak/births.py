"""The jobs and batches of a soak: their kinds, projects and numbers."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final

from tests.soak import batch_lives, lives
from tests.soak.history import JobHistory
from tests.soak.living import LivingJob
from tests.soak.living_batch import LivingBatch
from tests.soak.projects import ARCHIVE, PROJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.simulator import World
    from tests.soak.lives import Hold

    Life = Iterator[float | Hold]

_SHARES: Mapping[str, float] = {"v1beta": 0.7, "v2": 0.3}
_NEW_LIVES: Mapping[str, Mapping[str, float]] = {
    "v1beta": {
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
    },
    "v2": {
        "steady": 44,
        "brief": 14,
        "failed": 8,
        "cancelled": 8,
        "retried": 8,
        "vanishing": 5,
        "large": 3,
        "lost": 2,
        "never_mapped": 2,
        "mapped_late": 2,
        "never_shown": 2,
    },
}
_SLOW = {"v1beta": lives.SLOW, "v2": batch_lives.SLOW}
_SHARE_OF_SPARSE: Mapping[str, float] = {"steady": 0.1, "unseen": 0.5}
# More are long over than some pages hold, so that a listing which stops early misses some.
BEFORE_THE_START: Final[Mapping[str, Mapping[str, int]]] = {
    "v1beta": {"under_way": 8, "woken": 3, "over": 4, "long_over": 300},
    "v2": {"under_way": 8, "mapped_before": 6, "over": 4, "long_over": 150},
}
_IN_THE_ARCHIVE = frozenset({"long_over", "woken"})
_JOB_TYPES: Mapping[str, Mapping[str, float]] = {
    "v1beta": {"parse": 5, "extract": 3, "classify": 2, "unknown": 1},
    "v2": {"parse": 6, "extract": 4, "unknown": 1},
}
_CONFIGURATIONS = ("", "cfg-PARSE_AGENTIC", "cfg-1")
_DAY = 86400.0


def drawn_life(random: Random, *, may_be_slow: bool) -> tuple[str, str]:
    """Draw the API generation and the kind of a new life; slow ones need time to end."""
    api_version = _drawn(random, _SHARES)
    weights = _NEW_LIVES[api_version]
    if not may_be_slow:
        weights = {kind: n for kind, n in weights.items() if kind not in _SLOW[api_version]}
    return api_version, _drawn(random, weights)


def created_ago_seconds(random: Random, api_version: str, kind: str) -> float:
    """Draw the age of a job or batch that existed before the exporter.

    Some running batches are older than the window that v2 lists in every status.
    """
    if kind == "long_over":
        return 2 * _DAY * (1 + random.random())
    days = 9 if api_version == "v2" and kind == "under_way" and random.random() < 0.5 else 1
    return days * _DAY + 7200 * (1 + random.random())


def history_of(
    job_id: str, api_version: str, kind: str, created_at: float, random: Random
) -> JobHistory:
    """Return the history of a new job, in a random project and of a random type."""
    is_batch = api_version == "v2"
    sparse = not is_batch and random.random() < _SHARE_OF_SPARSE.get(kind, 0.0)
    project = random.choices(PROJECTS, [one.shares[api_version] for one in PROJECTS])[0]
    directories = ("dir-1", "dir-2") if is_batch else ("", "dir-1", "dir-2")
    return JobHistory(
        job_id=job_id,
        kind=kind,
        project=ARCHIVE if kind in _IN_THE_ARCHIVE else project,
        job_type=_drawn(random, _JOB_TYPES[api_version]),
        directory_id="" if sparse else random.choice(directories),
        created_at=created_at,
        sparse=sparse,
        api_version=api_version,
        configuration_id=random.choice(_CONFIGURATIONS) if is_batch else "",
    )


def life_of(
    history: JobHistory, world: World, random: Random, times_counted: Callable[[str], int]
) -> Life:
    """Return the life of the job of a history."""
    life: Life
    if history.is_batch:
        life = getattr(batch_lives, history.kind)(LivingBatch(world, history, random))
        return life
    more: tuple[Any, ...] = ()
    if history.kind in {"late", "unseen"}:
        more = (lambda: times_counted(history.job_id),)
    life = getattr(lives, history.kind)(LivingJob(world, history, random), *more)
    return life


def seeded(seed: int, subject: str) -> Random:
    """Return the random numbers of one subject, independent of when others are drawn."""
    return Random(f"{seed}/{subject}")  # noqa: S311 - nothing secret depends on it


def _drawn(random: Random, weights: Mapping[str, float]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]
