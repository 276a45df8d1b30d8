"""What must be true of the jobs and the gauges of a view."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILURE_REASONS,
    KNOWN_JOB_TYPES,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    ItemStatus,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.domain import ProjectGauges, ProjectView
    from tests.core.entry import Entry
    from tests.core.model import Ledger


def jobs_show_latest_answers(ledger: Ledger, view: ProjectView) -> None:
    """Each job is one consistent record, with its progress, its counts and their age."""
    for job in view.jobs:
        record, sight = ledger.entries[job.job_id].record, ledger.entries[job.job_id].sight
        assert (job.status, job.total_items) == (record.status, record.total_items)
        assert (job.job_type, job.processed_items) == (record.job_type, record.processed_items)
        assert _is_one_time(job.created_at, record.created_at)
        assert _is_one_time(job.started_at, record.started_at)
        assert _is_one_time(job.completed_at, record.completed_at)
        assert (job.failed_items, job.skipped_items) == (record.failed_items, record.skipped_items)
        assert (job.progress_ratio, job.last_refreshed_at) == (
            sight.ratio,
            sight.status_answered_at,
        )
        assert job.items == (sight.counts.by_status if sight.counts else None)
        failed = sight.counts and sight.counts.by_status.get(ItemStatus.FAILED)
        assert failed == (None if job.item_failures is None else sum(job.item_failures.values()))
        if sight.counts and job.item_failures is not None:
            assert job.item_failures == sight.counts.failure_reasons
        assert job.items_last_counted_at == sight.counted_at
        assert job.last_progress_at == sight.last_progress_at, job.job_id


def _is_one_time(shown: float | None, told: float | None) -> bool:
    """Times within a second of each other are one, which keeps its first value."""
    if shown is None or told is None:
        return shown is told
    return abs(shown - told) <= 1


def gauges_add_up(here: Collection[Entry], gauges: ProjectGauges) -> None:
    """They are the totals over the jobs that are active or within retention."""
    active = Counter((e.record.job_type, e.record.status) for e in here if e.record.active)
    assert active == +Counter(gauges.active_jobs)
    failing = Counter(e.record.job_type for e in here if e.failing)
    assert failing == +Counter(gauges.failing_jobs)


def items_are_of_the_counted(
    here: Collection[Entry], view: ProjectView, *, items_enabled: bool
) -> None:
    """The counts of active jobs add up, and jobs that are not fully counted are uncounted."""
    active = [entry.sight.counts for entry in here if entry.record.active]
    whole = [counts for counts in active if counts and counts.whole]
    expected = Counter[ItemStatus]()
    for counts in whole:
        expected.update(counts.by_status)
    gauges = view.gauges
    if gauges is None or not items_enabled:
        assert view.uncounted_jobs is None
        assert gauges is None or gauges.active_items is None
        return
    assert view.uncounted_jobs == sum(not entry.is_counted for entry in here)
    assert gauges.active_items is not None
    assert +Counter(gauges.active_items) == +expected
    assert gauges.active_items.keys() == set(ItemStatus)


def counted_series_need_item_counting(view: ProjectView, *, items_enabled: bool) -> None:
    """Else it is there from the start."""
    counters = view.counters
    statuses = {ItemStatus.FAILED, ItemStatus.SKIPPED}
    reasons: set[str] = set()
    failure_reasons: set[str] = set()
    if items_enabled:
        statuses |= set(ENDED_ITEM_STATUSES)
        failure_reasons = set(FAILURE_REASONS)
        reasons = {*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON}
    assert counters.items_finished.keys() == {(t, s) for t in KNOWN_JOB_TYPES for s in statuses}
    assert counters.items_skipped.keys() == {(t, r) for t in KNOWN_JOB_TYPES for r in reasons}
    assert counters.items_failed.keys() == failure_reasons
    # A type's histograms start with its first job, which may have left.
    seen = set(counters.turnaround_duration) if items_enabled else set()
    assert counters.item_duration.keys() <= seen
