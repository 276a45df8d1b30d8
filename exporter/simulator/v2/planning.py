"""Plans demo batches: files are mapped in order, then workers process their jobs."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from exporter.simulator.names import document_name, item_error, mapping_error
from exporter.simulator.planning import made_up_id
from exporter.simulator.plans import NEVER
from exporter.simulator.v2.batches import FILE_JOB_PREFIXES, FileJobType
from exporter.simulator.v2.plans import BatchPlan, FilePlan

if TYPE_CHECKING:
    from random import Random

_WORKERS = 16
_MEDIAN_SECONDS: Final[dict[FileJobType, float]] = {"parse_v2": 6.0, "extract_v2": 7.0}
_SECONDS_SPREAD = 0.6
_THROTTLED_AFTER_SECONDS = 5.0
_LATE_BY_SECONDS = 90.0
_CONFIGURATIONS: Final[dict[FileJobType, str]] = {
    "parse_v2": "cfg-PARSE_AGENTIC",
    "extract_v2": "cfg-5b0c7c52-55f4-4a3e-9a51-2d9f0c6e8b11",
}


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """The parameters of a demo batch; rates are shares of its files."""

    project_name: str
    project_id: str
    job_type: FileJobType
    files: int
    created_at: float
    slot_free_at: float
    speed: float
    fate: str = "COMPLETED"
    failing: float = 0.0
    unmappable: float = 0.0
    late: int = 0
    never_mapped: int = 0


def plan_batch(order: BatchOrder, random: Random) -> BatchPlan:
    """Plan a whole batch; it starts once its project has a free slot."""
    ready_at = order.created_at + random.uniform(2, 4) / order.speed
    started_at = max(ready_at, order.slot_free_at)
    mapped_at = started_at + random.uniform(40, 80) / order.speed
    throttled_at = order.created_at + _THROTTLED_AFTER_SECONDS / order.speed
    files = _plan_files(order, started_at, mapped_at, random)
    plan = BatchPlan(
        id=made_up_id("bat", random),
        project_id=order.project_id,
        source_directory_id=made_up_id("dir", random),
        configuration_id=_CONFIGURATIONS[order.job_type],
        job_type=order.job_type,
        outcome="COMPLETED",
        created_at=order.created_at,
        throttled_at=throttled_at if throttled_at < started_at else NEVER,
        started_at=started_at,
        mapped_at=mapped_at,
        ended_at=_end_of(files, mapped_at),
        files=files,
    )
    return plan if order.fate == "COMPLETED" else _broken_off(plan, order.fate, random)


def _plan_files(
    order: BatchOrder, started_at: float, mapped_at: float, random: Random
) -> tuple[FilePlan, ...]:
    workers = [started_at] * _WORKERS
    files = []
    for number in range(order.files):
        at = _mapped_at(order, number, started_at, mapped_at)
        file = _plan_file(order, at, max(at, workers[0]), random)
        if file.mapping_error is None and file.mapped_at < NEVER:
            heapq.heapreplace(workers, file.ended_at)
        files.append(file)
    return tuple(files)


def _mapped_at(order: BatchOrder, number: int, started_at: float, mapped_at: float) -> float:
    """Map one file after another; the first ones may never be mapped, the next ones late."""
    if number < order.never_mapped:
        return NEVER
    if number < order.never_mapped + order.late:
        return mapped_at + _LATE_BY_SECONDS / order.speed
    return started_at + (number + 1) / order.files * (mapped_at - started_at)


def _plan_file(order: BatchOrder, mapped_at: float, taken_at: float, random: Random) -> FilePlan:
    median = _MEDIAN_SECONDS[order.job_type]
    seconds = random.lognormvariate(math.log(median), _SECONDS_SPREAD) / order.speed
    file = FilePlan(
        file_id=made_up_id("dfl", random),
        job_id=made_up_id(FILE_JOB_PREFIXES[order.job_type], random),
        name=document_name(order.project_name, random),
        outcome="COMPLETED",
        mapped_at=mapped_at,
        started_at=taken_at,
        ended_at=taken_at + seconds,
        # Only extract jobs have a status for being held back.
        waits_as="THROTTLED" if order.job_type == "extract_v2" else "PENDING",
    )
    if random.random() < order.unmappable:
        return replace(file, mapping_error=mapping_error(random))
    if random.random() < order.failing:
        return replace(file, outcome="FAILED", error_message=item_error(random))
    return file


def _end_of(files: tuple[FilePlan, ...], mapped_at: float) -> float:
    """Return when the last change of a batch or its file jobs happens."""
    ends = [file.ended_at for file in files if file.mapped_at < NEVER and not file.mapping_error]
    return max([mapped_at, *ends])


def _broken_off(plan: BatchPlan, fate: str, random: Random) -> BatchPlan:
    """End a batch early; a failed one during its mapping."""
    last_moment = plan.mapped_at if fate == "FAILED" else plan.ended_at
    at = plan.started_at + random.uniform(0.3, 0.8) * (last_moment - plan.started_at)
    files = tuple(_cut_short(file, at, fate) for file in plan.files)
    mapped_at = min(plan.mapped_at, at) if fate == "FAILED" else at
    return replace(
        plan, outcome=fate, mapped_at=mapped_at, ended_at=_end_of(files, mapped_at), files=files
    )


def _cut_short(file: FilePlan, at: float, fate: str) -> FilePlan:
    """Map no file after ``at``; cancelling also ends the existing jobs, failing does not."""
    if file.mapped_at > at:
        return replace(file, mapped_at=NEVER)
    if fate == "FAILED" or file.ended_at <= at or file.mapping_error is not None:
        return file
    started_at = file.started_at if file.started_at <= at else NEVER
    return replace(
        file, outcome="CANCELLED", started_at=started_at, ended_at=at, error_message=None
    )
