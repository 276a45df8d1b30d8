"""The life of a demo job, known in advance: its state at any moment follows from its plan.

Times are Unix seconds; the time of an event that does not happen is ``NEVER``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from exporter.simulator.world import SimulatedItem, SimulatedJob

NEVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """When one item starts and ends, and how."""

    item_id: str
    item_name: str
    outcome: str
    started_at: float
    ended_at: float
    error_message: str | None = None
    skip_reason: str | None = None


@dataclass(frozen=True, slots=True)
class JobPlan:
    """When one job is created, counted, dispatched, started and ended, and how."""

    id: str
    project_id: str
    directory_id: str
    job_type: str
    outcome: str
    created_at: float
    counted_at: float
    dispatched_at: float
    started_at: float
    ended_at: float
    items: tuple[ItemPlan, ...]
    error_message: str | None = None


def job_at(plan: JobPlan, now: float) -> SimulatedJob:
    """Return the job as it is at one moment of its life."""
    ended = plan.ended_at <= now
    moments = [plan.created_at, plan.started_at, plan.ended_at]
    moments += [item.ended_at for item in plan.items]
    return SimulatedJob(
        id=plan.id,
        job_type=plan.job_type,
        status=_status_at(plan, now),
        project_id=plan.project_id,
        items=[_item_at(item, now) for item in plan.items] if plan.counted_at <= now else [],
        directory_id=plan.directory_id,
        created_at=plan.created_at,
        started_at=_past(plan.started_at, now),
        completed_at=_past(plan.ended_at, now),
        updated_at=max(moment for moment in moments if moment <= now),
        error_message=plan.error_message if ended else None,
    )


def _status_at(plan: JobPlan, now: float) -> str:
    if now >= plan.ended_at:
        return plan.outcome
    if now >= plan.started_at:
        return "running"
    return "dispatched" if now >= plan.dispatched_at else "pending"


def _item_at(item: ItemPlan, now: float) -> SimulatedItem:
    ended = item.ended_at <= now
    begun = item.started_at <= now
    return SimulatedItem(
        item_id=item.item_id,
        item_name=item.item_name,
        status=item.outcome if ended else "processing" if begun else "pending",
        started_at=_past(item.started_at, now),
        completed_at=_past(item.ended_at, now),
        error_message=item.error_message if ended else None,
        skip_reason=item.skip_reason if ended else None,
    )


def _past(moment: float, now: float) -> float | None:
    return moment if moment <= now else None
