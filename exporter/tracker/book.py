"""The counters: every increase of a job once, and none falls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    ENDED_STATUSES,
    ITEM_DURATION_BUCKETS,
    KNOWN_JOB_TYPES,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    QUEUE_DURATION_BUCKETS,
    RUN_DURATION_BUCKETS,
    Counters,
    Histogram,
    ItemStatus,
    JobStatus,
)

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, Job, JobType
    from exporter.tracker.accounts import Account

_RUN_STATUSES = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)
_COUNTED_ONLY = (ItemStatus.COMPLETED, ItemStatus.CANCELLED)


def no_counters(*, items_enabled: bool = True) -> Counters:
    """Start all counters with zeros; what only counting items can tell is left out without it."""
    item_statuses = [
        status for status in ENDED_ITEM_STATUSES if items_enabled or status not in _COUNTED_ONLY
    ]
    reasons = (*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON) if items_enabled else ()
    counted_types = KNOWN_JOB_TYPES if items_enabled else ()
    return Counters(
        jobs_finished={(t, s): 0 for t in KNOWN_JOB_TYPES for s in ENDED_STATUSES},
        items_finished={(t, s): 0 for t in KNOWN_JOB_TYPES for s in item_statuses},
        items_skipped={(t, reason): 0 for t in KNOWN_JOB_TYPES for reason in reasons},
        queue_duration={t: Histogram.empty(QUEUE_DURATION_BUCKETS) for t in KNOWN_JOB_TYPES},
        run_duration={
            (t, s): Histogram.empty(RUN_DURATION_BUCKETS)
            for t in KNOWN_JOB_TYPES
            for s in _RUN_STATUSES
        },
        item_duration={t: Histogram.empty(ITEM_DURATION_BUCKETS) for t in counted_types},
    )


class Book:
    """The counters while one observation is being entered; ``counters`` and ``account`` result."""

    def __init__(self, counters: Counters) -> None:
        self._jobs_finished = dict(counters.jobs_finished)
        self._items_finished = dict(counters.items_finished)
        self._items_skipped = dict(counters.items_skipped)
        self._queue_duration = dict(counters.queue_duration)
        self._run_duration = dict(counters.run_duration)
        self._item_duration = dict(counters.item_duration)

    def counters(self) -> Counters:
        """Close the book."""
        return Counters(
            jobs_finished=self._jobs_finished,
            items_finished=self._items_finished,
            items_skipped=self._items_skipped,
            queue_duration=self._queue_duration,
            run_duration=self._run_duration,
            item_duration=self._item_duration,
        )

    def enter(self, account: Account, job: Job, counts: ItemCounts | None) -> Account:
        """Add what a job's newest record and counts show beyond what it added before."""
        if not account.adds:
            return account
        account = self._enter_items(account, job, counts)
        account = self._enter_durations(account, job)
        return account if job.active else self._enter_end(account, job)

    def enter_item_durations(self, account: Account, job: Job, counts: ItemCounts) -> Account:
        """Add the durations of an ended job's items, once a job, if all were counted."""
        if not (account.adds and counts.whole) or account.items_observed:
            return account
        before = self._item_duration.get(job.job_type) or Histogram.empty(ITEM_DURATION_BUCKETS)
        self._item_duration[job.job_type] = before.merge(counts.durations)
        return replace(account, items_observed=True)

    def _enter_items(self, account: Account, job: Job, counts: ItemCounts | None) -> Account:
        greater: dict[ItemStatus, int] = {}
        for status, number in _known_numbers(job, counts).items():
            mark = account.items.get(status)
            if mark is not None and number > mark:
                key = (job.job_type, status)
                self._items_finished[key] = self._items_finished.get(key, 0) + number - mark
            if mark is None or number > mark:
                greater[status] = number
        account = replace(account, items={**account.items, **greater}) if greater else account
        if counts is None or ItemStatus.SKIPPED not in counts.by_status:
            return account
        return self._enter_skip_reasons(account, job, counts)

    def _enter_skip_reasons(self, account: Account, job: Job, counts: ItemCounts) -> Account:
        numbers = counts.skip_reasons
        marks = account.skip_reasons
        if marks is None:
            return replace(account, skip_reasons=dict(numbers))
        greater = {
            reason: number for reason, number in numbers.items() if number > marks.get(reason, 0)
        }
        for reason, number in greater.items():
            key = (job.job_type, reason)
            more = number - marks.get(reason, 0)
            self._items_skipped[key] = self._items_skipped.get(key, 0) + more
        return replace(account, skip_reasons={**marks, **greater}) if greater else account

    def _enter_durations(self, account: Account, job: Job) -> Account:
        if not account.queue_observed and job.queue_seconds is not None:
            self._observe_queue(job.job_type, job.queue_seconds)
            account = replace(account, queue_observed=True)
        ended = job.status in _RUN_STATUSES and not account.run_observed
        if ended and job.run_seconds is not None:
            self._observe_run(job.job_type, job.status, job.run_seconds)
            account = replace(account, run_observed=True)
        return account

    def _enter_end(self, account: Account, job: Job) -> Account:
        if job.status in account.ended_as:
            return account
        key = (job.job_type, job.status)
        self._jobs_finished[key] = self._jobs_finished.get(key, 0) + 1
        return replace(account, ended_as=account.ended_as | {job.status})

    def _observe_queue(self, job_type: JobType, seconds: float) -> None:
        before = self._queue_duration.get(job_type) or Histogram.empty(QUEUE_DURATION_BUCKETS)
        self._queue_duration[job_type] = before.observe(seconds)

    def _observe_run(self, job_type: JobType, status: JobStatus, seconds: float) -> None:
        key = (job_type, status)
        before = self._run_duration.get(key) or Histogram.empty(RUN_DURATION_BUCKETS)
        self._run_duration[key] = before.observe(seconds)


def _known_numbers(job: Job, counts: ItemCounts | None) -> dict[ItemStatus, int]:
    """Tell how many items are known to be in each end state.

    Failed and skipped items are also reported by the job itself: the greater number is taken, so
    that a failure is not missed where items are not counted.
    """
    known: dict[ItemStatus, int] = {}
    if counts is not None:
        counted = counts.by_status
        known = {status: counted[status] for status in ENDED_ITEM_STATUSES if status in counted}
    reported = {ItemStatus.FAILED: job.failed_items, ItemStatus.SKIPPED: job.skipped_items}
    for status, number in reported.items():
        if number is not None:
            known[status] = max(number, known.get(status, 0))
    return known
