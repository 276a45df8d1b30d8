"""Putting a job back into the state, with what it newly adds to the counters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.tracker.accounts import reopened
from exporter.tracker.book import Book

if TYPE_CHECKING:
    from exporter.tracker.accounts import Account
    from exporter.tracker.state import ProjectState, TrackedJob


def enter(book: Book, account: Account, tracked: TrackedJob, baseline_at: float) -> Account:
    """Enter in the book what a job newly shows, and return its account after that."""
    job, ending = tracked.job, tracked.ending
    ended_anew = ending is not None and not ending.ended_before_first_sight
    after_baseline = job.ended_at is None or job.ended_at >= baseline_at
    account = reopened(account, job, ended_anew=ended_anew and after_baseline)
    account = book.enter(account, job, tracked.counts)
    if ending is not None and ending.items_known and tracked.counts is not None:
        return book.enter_item_durations(account, job, tracked.counts)
    return account


def entered(state: ProjectState, *updated: TrackedJob) -> ProjectState:
    """Return the state with jobs as they are after an answer about them, or after a time."""
    if not updated:
        return state
    book = Book(state.counters)
    jobs, accounts = dict(state.jobs), dict(state.accounts)
    for tracked in updated:
        job_id = tracked.job.id
        jobs[job_id] = tracked
        accounts[job_id] = enter(book, accounts[job_id], tracked, state.baseline_at or 0.0)
    return replace(state, jobs=jobs, accounts=accounts, counters=book.counters())
