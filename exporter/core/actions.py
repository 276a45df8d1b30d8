"""Actions: what the poller is to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import CountLimits, Job, ListingPlan, Memory


@dataclass(frozen=True, slots=True)
class ListJobs:
    """List the project's jobs, by each API generation in ``plans``.

    ``began`` is the monotonic moment at which the core returned the action. ``is_throttling`` is
    true if requests waited then because the budget was used up.
    """

    plans: Mapping[str, ListingPlan]
    began: float
    is_throttling: bool = False


@dataclass(frozen=True, slots=True)
class FetchStatus:
    """Fetch the status of one job: the first step of its refresh."""

    job: Job
    memory: Memory
    began: float


@dataclass(frozen=True, slots=True)
class CountItems:
    """Count the items of one job: the second step of its refresh."""

    job: Job
    memory: Memory
    limits: CountLimits
    began: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Do nothing before a monotonic ``moment``, unless a listing ends or the key changes."""

    moment: float


RefreshJob: TypeAlias = FetchStatus | CountItems
Action: TypeAlias = ListJobs | RefreshJob | WaitUntil
