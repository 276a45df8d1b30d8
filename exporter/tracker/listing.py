"""What a listing tells: new jobs, newer records, jobs that it does not show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from exporter.tracker.accounts import (
    Account,
    Book,
    adds_nothing,
    from_first_numbers,
    from_zero,
    reopened,
)
from exporter.tracker.ending import Ending, end_of, is_another_end
from exporter.tracker.entering import enter
from exporter.tracker.records import (
    failing_record,
    first_progress_at,
    latest,
    retention_seconds,
    with_record,
)
from exporter.tracker.remembering import listed_now, news_since, still_needed
from exporter.tracker.state import JobAppeared, JobEnded, TrackedJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.domain import Job, Listing
    from exporter.tracker.state import Event, ProjectState, TrackerRules

    Transition = Callable[[ProjectState], tuple[ProjectState, tuple[Event, ...]]]


_ROWS_A_TRANSITION = 100


def taking_in(listing: Listing, rules: TrackerRules, now: float) -> Iterator[Transition]:
    """Take in one listing, seen whole at the monotonic moment ``now``, some rows at a time.

    Each transition is applied to the state as it is then: answers may come between them.
    """
    yield partial(_begun, listing=listing)
    for start in range(0, len(listing.jobs), _ROWS_A_TRANSITION):
        rows = listing.jobs[start : start + _ROWS_A_TRANSITION]
        yield partial(_rows_listed, rows=rows, listing=listing, rules=rules, now=now)
    yield partial(_ended, listing=listing, now=now)


def _begun(state: ProjectState, listing: Listing) -> tuple[ProjectState, tuple[Event, ...]]:
    baseline_at = listing.began_at if state.baseline_at is None else state.baseline_at
    return replace(state, baseline_at=baseline_at), ()


def _rows_listed(
    state: ProjectState, rows: Sequence[Job], listing: Listing, rules: TrackerRules, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    intake = _Intake(state, listing, rules, now)
    for job in rows:
        intake.take(job)
    counters = intake.book.counters()
    updated = replace(state, jobs=intake.jobs, accounts=intake.accounts, counters=counters)
    return updated, tuple(intake.events)


def _ended(
    state: ProjectState, listing: Listing, now: float
) -> tuple[ProjectState, tuple[Event, ...]]:
    accounts = state.accounts
    if listing.reached_end:
        accounts = still_needed(accounts, listing, state.jobs)
    ended = replace(
        state,
        accounts=accounts,
        listings=state.listings + 1,
        watermark_at=state.watermark_at if listing.truncated else listing.began_at,
        last_listing_monotonic=now,
        last_listing_at=listing.ended_at,
        listing_truncated=_some_may_be_missing(state, listing),
        seen_project_id=next((job.project_id for job in listing.jobs), state.seen_project_id),
    )
    return ended, ()


def _some_may_be_missing(state: ProjectState, listing: Listing) -> bool:
    """Tell whether the page limit hides jobs: a listing that stops at old news cannot clear it."""
    if listing.truncated or listing.reached_end:
        return listing.truncated
    return bool(state.listing_truncated)


class _Intake:
    """The state while rows of a listing are taken in."""

    def __init__(
        self, state: ProjectState, listing: Listing, rules: TrackerRules, now: float
    ) -> None:
        self.jobs = dict(state.jobs)
        self.accounts = dict(state.accounts)
        self.book = Book(state.counters)
        self.events: list[Event] = []
        self.number = state.listings + 1
        # Set when the listing begins.
        self._baseline_at = state.baseline_at or 0.0
        self._news_since = news_since(state)
        self.listing = listing
        self._rules = rules
        self._now = now

    def take(self, job: Job) -> None:
        if job.id in self.accounts:
            self.accounts[job.id] = listed_now(self.accounts[job.id])
        tracked = self.jobs.get(job.id)
        if tracked is None:
            self._take_new(job)
        else:
            self._take_known(tracked, job)

    def _take_known(self, tracked: TrackedJob, job: Job) -> None:
        listing = self.listing
        updated, events = with_record(
            tracked,
            job,
            asked_monotonic=listing.asked_monotonic,
            seen_at=listing.ended_at,
            now=self._now,
        )
        self.jobs[job.id] = replace(updated, last_listed=self.number, not_found_in=None)
        if updated.job is not tracked.job:
            self.events.extend(events)
            self.accounts[job.id] = enter(self.book, self.accounts[job.id], updated)

    def _take_new(self, job: Job) -> None:
        known = self.accounts.get(job.id)
        account = self._open_account(job) if known is None else reopened(known, job)
        account = self.book.enter(account, job, None)
        if job.active:
            self._show(job, account, None)
            self.events.append(JobAppeared(job))
        elif known is None or is_another_end(known.shown_end, end_of(job)):
            self._take_ended(job, account)
        else:
            # It was shown until its retention was over, and is not shown twice.
            self.accounts[job.id] = account

    def _take_ended(self, job: Job, account: Account) -> None:
        was_known = job.id in self.accounts
        ending = self._ending(job)
        if ending is not None:
            self._show(job, account, ending)
        elif account.adds or was_known or job.ended_at is None:
            # Without a date, only its account tells later that the job is no news.
            self.accounts[job.id] = replace(account, shown_end=end_of(job))
        if account.adds or was_known:
            self.events.append(JobEnded(job))

    def _show(self, job: Job, account: Account, ending: Ending | None) -> None:
        self.accounts[job.id] = account
        self.jobs[job.id] = TrackedJob(
            job=job,
            record_asked_monotonic=self.listing.asked_monotonic,
            last_progress_at=first_progress_at(job, self.listing.ended_at),
            last_listed=self.number,
            ending=ending,
        )

    def _open_account(self, job: Job) -> Account:
        if self._counts_whole(job):
            return from_zero()
        return from_first_numbers(job) if job.active else adds_nothing()

    def _counts_whole(self, job: Job) -> bool:
        """Tell whether a job was created after the baseline, or ended after it without being seen.

        Where LlamaCloud's dates contradict each other, a false increase is better than a missed
        failure.
        """
        ended_at = None if job.active else job.ended_at
        if ended_at is not None and self._news_since is not None and ended_at < self._news_since:
            return False
        undated = (job.created_at if job.active else ended_at) is None
        if undated and self.number > 1:
            return True
        newest = latest(job.created_at, ended_at)
        return newest is not None and newest >= self._baseline_at

    def _ending(self, job: Job) -> Ending | None:
        """Begin the retention of a job that had ended before it was seen, unless it is over."""
        if job.ended_at is None and self.number == 1:
            return None
        ended_at = self.listing.ended_at if job.ended_at is None else job.ended_at
        age_seconds = max(self.listing.ended_at - ended_at, 0.0)
        if age_seconds >= retention_seconds(self._rules, is_failing=failing_record(job)):
            return None
        return Ending.of(
            job,
            ended_monotonic=self._now - age_seconds,
            asked_monotonic=self.listing.asked_monotonic,
            ended_before_first_sight=True,
        )
