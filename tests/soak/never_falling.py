"""Counters of one process, or of several with one state: none falls, and histograms add up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.soak.exposition import Exposition, Series

_KEPT = "llamacloud_batch_"
_COUNTING = ("_total", "_bucket", "_count", "_sum")


def fallen(before: Exposition, after: Exposition, *, restarted: bool = False) -> list[str]:
    """Report counters that fell or disappeared between two scrapes.

    If the exporter ``restarted``, its own counters start at zero.
    """
    return [
        f"{key[0]}{dict(key[1])} fell from {value} to {after.samples.get(key)}"
        for key, value in before.samples.items()
        if key[0].endswith(_COUNTING)
        and not after.samples.get(key, -1.0) >= value
        and (key[0].startswith(_KEPT) or not restarted)
    ]


def broken_histograms(exposition: Exposition) -> list[str]:
    """Report histograms that do not add up."""
    buckets: dict[Series, list[tuple[float, float]]] = defaultdict(list)
    for (name, labels), value in exposition.samples.items():
        if name.endswith("_bucket"):
            bound = float(dict(labels)["le"])
            others = frozenset(label for label in labels if label[0] != "le")
            buckets[name.removesuffix("_bucket"), others].append((bound, value))
    wrong = []
    for (name, labels), of_histogram in buckets.items():
        counts = [count for _, count in sorted(of_histogram)]
        total = exposition.samples.get((f"{name}_count", labels))
        if counts != sorted(counts) or counts[-1] != total:
            wrong.append(f"{name}{dict(labels)} does not add up: {counts}, count {total}")
    return wrong
