"""The endless stream of batches that each project of the demo gets."""

from __future__ import annotations

import heapq
from itertools import repeat, takewhile
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.simulator.v2.planning import BatchOrder, plan_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator.arrivals import DemoProject
    from exporter.simulator.v2.batches import FileJobType
    from exporter.simulator.v2.plans import BatchPlan

HISTORY_SECONDS: Final = 2 * 3600.0
_SLOTS = 2


class _Rush(NamedTuple):
    """A batch that is created shortly before the opening; its size is a share of the largest."""

    seconds_before_opening: float
    job_type: FileJobType
    share: float


_QUIET_BEFORE_OPENING_SECONDS = 15 * 60.0
_QUIET_AFTER_OPENING_SECONDS = 2 * 60.0
# The demo opens with a large batch whose file jobs run, one that is being mapped, one that is
# throttled, as both slots are taken, and one that is pending.
_RUSH: Final = (
    _Rush(120.0, "parse_v2", share=1.0),
    _Rush(30.0, "extract_v2", share=0.25),
    _Rush(20.0, "parse_v2", share=0.2),
    _Rush(1.0, "extract_v2", share=0.1),
)
_FATES: Final = {2: "CANCELLED", 4: "FAILED"}


def arriving_batches(
    project: DemoProject, *, seed: int, opened_at: float, speed: float
) -> Iterator[BatchPlan]:
    """Plan a project's batches without end, in the order of their creation, history included."""
    if not project.batch_types:
        return
    random = Random(f"{seed}/{project.name}/v2")  # noqa: S311 - made-up data
    slots = [opened_at - HISTORY_SECONDS / speed] * _SLOTS
    for number, (created_at, rush) in enumerate(_moments(random, opened_at, speed)):
        job_type = rush.job_type if rush else _job_type(project, random)
        order = BatchOrder(
            project_name=project.name,
            project_id=project.project_id,
            job_type=job_type,
            files=_size(project, number, job_type, rush, random),
            created_at=created_at,
            slot_free_at=slots[0],
            speed=speed,
            fate="COMPLETED" if rush else _FATES.get(number % 9, "COMPLETED"),
            failing=(0.05, 0.0, 0.01)[number % 3],
            unmappable=0.03 if number % 4 == 1 else 0.0,
            late=1 if rush else 0,
            never_mapped=1 if number % 9 == 6 else 0,  # noqa: PLR2004 - as counted as the fates
        )
        plan = plan_batch(order, random)
        heapq.heapreplace(slots, plan.ended_at)
        yield plan


def _moments(
    random: Random, opened_at: float, speed: float
) -> Iterator[tuple[float, _Rush | None]]:
    """Yield creation times: far apart, except for the rush before the demo opens."""
    began_at = opened_at - HISTORY_SECONDS / speed
    quiet_from = opened_at - _QUIET_BEFORE_OPENING_SECONDS / speed
    history = takewhile(lambda moment: moment < quiet_from, _alone(random, began_at, speed))
    rush = ((opened_at - one.seconds_before_opening / speed, one) for one in _RUSH)
    later = _alone(random, opened_at + _QUIET_AFTER_OPENING_SECONDS / speed, speed)
    yield from zip(history, repeat(None))
    yield from rush
    yield from zip(later, repeat(None))


def _size(
    project: DemoProject, number: int, job_type: FileJobType, rush: _Rush | None, random: Random
) -> int:
    if rush is not None:
        return int(rush.share * project.largest_batch)
    drawn = random.randint(20, 120)
    # Extract jobs are listed twenty at a time: a thousand of them would take all requests.
    return project.largest_batch if number % 10 == 0 and job_type == "parse_v2" else drawn


def _alone(random: Random, began_at: float, speed: float) -> Iterator[float]:
    moment = began_at
    while True:
        moment += random.uniform(360, 840) / speed
        yield moment


def _job_type(project: DemoProject, random: Random) -> FileJobType:
    weights = list(project.batch_types.values())
    return random.choices(list(project.batch_types), weights)[0]
