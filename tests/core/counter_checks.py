"""What must be true of the counters of a view."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILURE_REASONS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    ItemStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import Histogram, ProjectView
    from tests.core.model import Ledger


def no_counter_falls(before: ProjectView, view: ProjectView) -> None:
    """No number of a counter or histogram is smaller than before."""
    after = _numbers(view)
    assert all(number <= after[key] for key, number in _numbers(before).items())


def counters_are_the_ledgers(ledger: Ledger, view: ProjectView) -> None:
    """Each counter is the sum of what the jobs add; each job waits and runs once."""
    expected: Counter[object] = Counter()
    for entry in ledger.entries.values():
        job_type = entry.record.job_type
        for what in (*ENDED_ITEM_STATUSES, *KNOWN_SKIP_REASONS, OTHER_SKIP_REASON):
            expected[job_type, what] += entry.added(what)
        for reason in FAILURE_REASONS:
            expected["failed", reason] += entry.added(("failed", reason))
        expected.update(("ended", job_type, status) for status in entry.ended_as - entry.silent)
        expected["queued", job_type] += entry.queued and not entry.queue_was_over
        if entry.run_as:
            expected["run", job_type, entry.run_as] += 1
        expected["turnaround", job_type] += entry.turned_around
    counters = view.counters
    actual: Counter[object] = Counter()
    actual.update(dict(counters.items_finished.items()))
    actual.update(dict(counters.items_skipped.items()))
    actual.update({("failed", reason): n for reason, n in counters.items_failed.items()})
    actual.update({("ended", *key): number for key, number in counters.jobs_finished.items()})
    actual.update({("queued", k): sum(h.counts) for k, h in counters.queue_duration.items()})
    turnarounds = counters.turnaround_duration
    actual.update({("turnaround", k): sum(h.counts) for k, h in turnarounds.items()})
    actual.update({("run", *k): sum(h.counts) for k, h in counters.run_duration.items()})
    difference = (expected - actual, actual - expected)
    assert difference == (Counter(), Counter()), difference


def items_are_observed_once(ledger: Ledger, view: ProjectView) -> None:
    """Once its items are final, and never before it was counted or ended."""
    entries = [e for e in ledger.entries.values() if e.start not in ("nothing", "reported")]
    for job_type, histogram in view.counters.item_duration.items():
        ours = [entry for entry in entries if entry.record.job_type == job_type]
        may = sum(bool(ItemStatus.COMPLETED in entry.greatest and entry.ended_as) for entry in ours)
        must = sum(entry.items_final for entry in ours)
        assert must <= sum(histogram.counts) <= may


def _numbers(view: ProjectView) -> dict[object, float]:
    counters = view.counters
    numbers: dict[object, float] = {}
    families: tuple[Mapping[Any, int], ...] = (
        counters.jobs_finished,
        counters.items_finished,
        counters.items_failed,
        counters.items_skipped,
    )
    for family in families:
        numbers.update(family)
    histograms: tuple[Mapping[Any, Histogram], ...] = (
        counters.queue_duration,
        counters.run_duration,
        counters.turnaround_duration,
        counters.item_duration,
    )
    for place, histogram_of in enumerate(histograms):
        for key, histogram in histogram_of.items():
            numbers[place, key, "sum"] = histogram.sum
            numbers.update({(place, key, n): c for n, c in enumerate(histogram.counts)})
    return numbers
