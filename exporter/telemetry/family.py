"""How one of the exporter's own metric families is declared."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.exposition import Family


@dataclass(frozen=True, slots=True)
class OwnFamily(Family):
    """A family of the exporter's own metrics.

    ``attribute`` names the attribute of ``ProjectView`` that a gauge shows. ``starts_with`` are the
    values of the second label whose series exist from the start, at 0. ``buckets`` are the upper
    bounds of a histogram in seconds, without +Inf.
    """

    attribute: str = ""
    starts_with: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
