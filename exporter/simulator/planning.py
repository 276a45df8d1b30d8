"""Plans demo jobs: workers process their items in order, and some items fail."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from exporter.simulator.names import document_name, item_error, job_error
from exporter.simulator.plans import NEVER, ItemPlan, JobPlan

if TYPE_CHECKING:
    from random import Random

_WORKERS = 6
_MEDIAN_ITEM_SECONDS = {"parse": 6.0, "extract": 7.0, "classify": 3.0}
_ITEM_SECONDS_SPREAD = 0.6


@dataclass(frozen=True, slots=True)
class JobOrder:
    """The parameters of a demo job; rates are shares of its items."""

    project_name: str
    project_id: str
    job_type: str
    items: int
    created_at: float
    slot_free_at: float
    speed: float
    fate: str = "completed"
    failing: float = 0.0
    already_processed: float = 0.0
    too_large: float = 0.007


def plan_job(order: JobOrder, random: Random) -> JobPlan:
    """Plan a whole job; it starts once its project has a free slot."""
    counted_at = order.created_at + random.uniform(1, 4) / order.speed
    dispatched_at = max(counted_at, order.slot_free_at) + random.uniform(1, 5) / order.speed
    started_at = dispatched_at + random.uniform(1, 3) / order.speed
    items = _plan_items(order, started_at, random)
    plan = JobPlan(
        id=made_up_id("bjb", random),
        project_id=order.project_id,
        directory_id=made_up_id("dir", random),
        job_type=order.job_type,
        outcome="completed",
        created_at=order.created_at,
        counted_at=counted_at,
        dispatched_at=dispatched_at,
        started_at=started_at,
        ended_at=max(item.ended_at for item in items),
        items=items,
    )
    return plan if order.fate == "completed" else _broken_off(plan, order.fate, random)


def plan_stuck_job(order: JobOrder, random: Random) -> JobPlan:
    """Plan a job whose first items start and never end."""
    plan = plan_job(order, random)
    items = tuple(
        replace(
            item,
            outcome="completed",
            started_at=plan.started_at if number < _WORKERS else NEVER,
            ended_at=NEVER,
        )
        for number, item in enumerate(plan.items)
    )
    return replace(plan, ended_at=NEVER, items=items)


def made_up_id(prefix: str, random: Random) -> str:
    """Make up an id in LlamaCloud's form."""
    return f"{prefix}-{UUID(int=random.getrandbits(128), version=4)}"


def _plan_items(order: JobOrder, started_at: float, random: Random) -> tuple[ItemPlan, ...]:
    workers = [started_at] * _WORKERS
    items = []
    for _ in range(order.items):
        item = _plan_item(order, workers[0], random)
        heapq.heapreplace(workers, item.ended_at)
        items.append(item)
    return tuple(items)


def _plan_item(order: JobOrder, taken_at: float, random: Random) -> ItemPlan:
    item = ItemPlan(
        item_id=made_up_id("dfl", random),
        item_name=document_name(order.project_name, random),
        outcome="completed",
        started_at=taken_at,
        ended_at=taken_at + _item_seconds(order, random),
    )
    skip_reason = _skip_reason(order, random.random())
    if skip_reason is not None:
        ended_at = taken_at + 0.05 / order.speed
        never_begun = replace(item, started_at=NEVER, ended_at=ended_at)
        return replace(never_begun, outcome="skipped", skip_reason=skip_reason)
    if random.random() < order.failing:
        return replace(item, outcome="failed", error_message=item_error(random))
    return item


def _item_seconds(order: JobOrder, random: Random) -> float:
    median = _MEDIAN_ITEM_SECONDS[order.job_type]
    return random.lognormvariate(math.log(median), _ITEM_SECONDS_SPREAD) / order.speed


def _skip_reason(order: JobOrder, drawn: float) -> str | None:
    if drawn < order.already_processed:
        return "already_processed"
    if drawn < order.already_processed + order.too_large:
        return "size_limit_exceeded"
    return None


def _broken_off(plan: JobPlan, fate: str, random: Random) -> JobPlan:
    """End a job early; unfinished items are cancelled."""
    ended_at = plan.started_at + random.uniform(0.2, 0.7) * (plan.ended_at - plan.started_at)
    return replace(
        plan,
        outcome=fate,
        ended_at=ended_at,
        items=tuple(_cut_short(item, ended_at) for item in plan.items),
        error_message=job_error(random) if fate == "failed" else None,
    )


def _cut_short(item: ItemPlan, ended_at: float) -> ItemPlan:
    if item.ended_at <= ended_at:
        return item
    begun = item.started_at < ended_at
    return ItemPlan(
        item_id=item.item_id,
        item_name=item.item_name,
        outcome="cancelled",
        started_at=item.started_at if begun else NEVER,
        ended_at=ended_at,
    )
