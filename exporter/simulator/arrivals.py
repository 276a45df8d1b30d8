"""The demo's projects, and the endless stream of v1beta jobs that each gets."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from exporter.simulator.planning import JobOrder, plan_job, plan_stuck_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.simulator.plans import JobPlan
    from exporter.simulator.v2.batches import FileJobType

HISTORY_SECONDS: Final = 2 * 3600.0
_STUCK_FOR_SECONDS = 50 * 60.0
_SLOTS = 2
# With two slots, the last of these are still queued when the demo opens.
_RUSH_SECONDS_BEFORE_OPENING = (90.0, 85.0, 12.0, 6.0)


@dataclass(frozen=True, slots=True)
class DemoProject:
    """A made-up project and the key that reads it.

    ``job_types`` holds each type's weight among the jobs of v1beta, ``batch_types`` among the
    batches of v2. A project without types of a generation has no jobs of it.
    """

    name: str
    project_id: str
    key: str = field(repr=False)
    job_types: Mapping[str, int] = field(default_factory=dict)
    has_stuck_job: bool = False
    batch_types: Mapping[FileJobType, int] = field(default_factory=dict)
    largest_batch: int = 0


DEMO_PROJECTS: Final = (
    DemoProject(
        name="invoices",
        project_id="1f0e6a52-3c1d-4b7e-9a64-5d2c8e7b1a01",
        key="llx-demo-invoices",
        job_types={"extract": 5, "parse": 3, "classify": 2},
        has_stuck_job=True,
        batch_types={"extract_v2": 2, "parse_v2": 1},
        largest_batch=300,
    ),
    DemoProject(
        name="contracts",
        project_id="9b83d4c7-70e2-4f15-8c3b-2e6f1d9a4b02",
        key="llx-demo-contracts",
        job_types={"parse": 5, "extract": 3, "classify": 2},
    ),
    DemoProject(
        name="reports",
        project_id="3d7a1c95-8e42-4b60-b1d7-6c0f2a9e5c03",
        key="llx-demo-reports",
        batch_types={"parse_v2": 2, "extract_v2": 1},
        largest_batch=1000,
    ),
)


def arriving_jobs(
    project: DemoProject, *, seed: int, opened_at: float, speed: float
) -> Iterator[JobPlan]:
    """Plan a project's jobs without end, in the order of their creation, history included."""
    if not project.job_types:
        return iter(())
    random = Random(f"{seed}/{project.name}")  # noqa: S311 - made-up data
    ordinary = _ordinary(project, random, opened_at, speed)
    if not project.has_stuck_job:
        return ordinary
    stuck = [_stuck_job(project, seed, opened_at, speed)]
    return heapq.merge(ordinary, stuck, key=lambda plan: plan.created_at)


def _ordinary(
    project: DemoProject, random: Random, opened_at: float, speed: float
) -> Iterator[JobPlan]:
    rush = [opened_at - seconds / speed for seconds in _RUSH_SECONDS_BEFORE_OPENING]
    moments = heapq.merge(_moments(random, opened_at - HISTORY_SECONDS / speed, speed), rush)
    slots = [opened_at - HISTORY_SECONDS / speed] * _SLOTS
    for number, created_at in enumerate(moments):
        order = JobOrder(
            project_name=project.name,
            project_id=project.project_id,
            job_type=_job_type(project, random),
            items=random.randint(200, 400) if created_at in rush else _size(random),
            created_at=created_at,
            slot_free_at=slots[0],
            speed=speed,
            fate=_fate(number),
            failing=_failing(number),
            already_processed=0.3 if number % 4 == 1 else 0.0,
        )
        plan = plan_job(order, random)
        heapq.heapreplace(slots, plan.ended_at)
        yield plan


def _failing(number: int) -> float:
    """Let most jobs succeed, every fifth fail in an item or two, and every ninth in several."""
    return {3: 0.06}.get(number % 9, 0.01 if number % 5 == 1 else 0.0)


def _stuck_job(project: DemoProject, seed: int, opened_at: float, speed: float) -> JobPlan:
    random = Random(f"{seed}/{project.name}/stuck")  # noqa: S311 - made-up data
    # Not divided by the speed: alerts wait for real minutes without progress.
    created_at = opened_at - _STUCK_FOR_SECONDS
    order = JobOrder(
        project_name=project.name,
        project_id=project.project_id,
        job_type=_job_type(project, random),
        items=_size(random),
        created_at=created_at,
        slot_free_at=created_at,
        speed=speed,
    )
    return plan_stuck_job(order, random)


def _moments(random: Random, began_at: float, speed: float) -> Iterator[float]:
    """Yield creation times: some jobs follow another within seconds, others after minutes."""
    moment = began_at
    while True:
        moment += (
            random.uniform(2, 10) if random.random() < 0.35 else random.uniform(120, 360)  # noqa: PLR2004 - a share
        ) / speed
        yield moment


def _job_type(project: DemoProject, random: Random) -> str:
    weights = list(project.job_types.values())
    return random.choices(list(project.job_types), weights)[0]


def _size(random: Random) -> int:
    """Return a number of items from 40 to 400: jobs are often small, and seldom large."""
    return 40 + int(360 * random.random() ** 2.2)


def _fate(number: int) -> str:
    """Not random, so that every history contains a failed and a cancelled job."""
    if number % 13 == 5:  # noqa: PLR2004
        return "failed"
    return "cancelled" if number % 17 == 9 else "completed"  # noqa: PLR2004
