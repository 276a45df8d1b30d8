"""The rows of a listing: new jobs, newer records, other ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.domain import latest
from exporter.tracker.accounts import (
    Account,
    adds_nothing,
    from_first_numbers,
    from_zero,
    reopened,
)
from exporter.tracker.book import Book
from exporter.tracker.ending import Ending, is_news, with_date, with_end
from exporter.tracker.entering import enter
from exporter.tracker.records import (
    failing_record,
    first_progress_at,
    retention_seconds,
    with_record,
)
from exporter.tracker.remembering import listed_now, news_since
from exporter.tracker.state import JobAppeared, JobEnded, TrackedJob

if TYPE_CHECKING:
    from exporter.domain import Job, Listing
    from exporter.tracker.ending import End
    from exporter.tracker.state import Event, ProjectState, TrackerRules


class Intake:
    """The state while rows of a listing are taken in: what has become of it, and its events."""

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
        """Take in a row."""
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
            account = self.accounts[job.id]
            self.accounts[job.id] = enter(self.book, account, updated, self._baseline_at)

    def _take_new(self, job: Job) -> None:
        known = self.accounts.get(job.id)
        ended_anew = known is not None and is_news(known.ends_seen, job)
        if known is None:
            account = self._open_account(job)
        else:
            counts_whole = ended_anew and self._counts_whole(job)
            account = reopened(known, job, ended_anew=counts_whole)
        account = self.book.enter(account, job, None)
        if job.active:
            self._show(job, account, None)
            self.events.append(JobAppeared(job))
        elif known is None or ended_anew:
            self._take_ended(job, account)
        else:
            # It was shown until its retention was over, and is not shown twice.
            dated = with_date(account.ends_seen, job)
            is_same = dated is account.ends_seen
            self.accounts[job.id] = account if is_same else replace(account, ends_seen=dated)

    def _take_ended(self, job: Job, account: Account) -> None:
        was_known = job.id in self.accounts
        ending = self._ending(job, account.ends_seen)
        if ending is not None:
            self._show(job, account, ending)
        elif account.adds or was_known or job.ended_at is None:
            # Without a date, only its account tells later that the job is no news.
            ends_seen = with_end(account.ends_seen, job)
            self.accounts[job.id] = replace(account, ends_seen=ends_seen)
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

    def _ending(self, job: Job, ends_before: frozenset[End]) -> Ending | None:
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
            ends_before=ends_before,
        )
