"""Which batches a listing asks for: recent ones, and active ones of any age, never all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.domain import ListingPlan

# A batch that LlamaCloud calls completed may have file jobs that run: it is asked for by its id.
_ACTIVE = ("PENDING", "THROTTLED", "RUNNING")


@dataclass(frozen=True, slots=True)
class BatchQuery:
    """The filters of one query; ``created_since`` is a whole Unix time."""

    directory_id: str | None = None
    status: str | None = None
    created_since: int | None = None

    def filters(self) -> dict[str, str]:
        """Return the query's parameters."""
        since = self.created_since
        values = {
            "source_directory_id": self.directory_id,
            "status": self.status,
            "created_at_on_or_after": None if since is None else _written(since),
        }
        return {name: value for name, value in values.items() if value is not None}


def queries_of(plan: ListingPlan) -> list[BatchQuery]:
    """List the queries of a listing: LlamaCloud takes one value of each filter at a time."""
    windows: list[BatchQuery] = []
    if plan.created_since is not None:
        windows.append(BatchQuery(created_since=math.floor(plan.created_since)))
    if plan.is_full or not windows:
        windows.extend(BatchQuery(status=status) for status in _ACTIVE)
    return _of_directories(plan, windows)


def recent_queries_of(plan: ListingPlan, now: float) -> list[BatchQuery]:
    """List the queries for what was created lately before the Unix time ``now``."""
    if plan.created_within is None:
        return []
    window = BatchQuery(created_since=math.floor(now - plan.created_within))
    return _of_directories(plan, [window])


def _of_directories(plan: ListingPlan, windows: list[BatchQuery]) -> list[BatchQuery]:
    return [
        BatchQuery(directory_id, window.status, window.created_since)
        for directory_id, window in product(plan.directory_ids or (None,), windows)
    ]


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
