"""How a project is polled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.domain import ListingPlan


@dataclass(frozen=True, slots=True)
class PollerSettings:
    """How one project is polled; durations are in seconds."""

    interval: float
    full_listing_every: float
    items_max_pages: int
    concurrency: int
    listing: ListingPlan
