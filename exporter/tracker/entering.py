"""Putting a job back into the state, with what it newly adds to the counters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.tracker.accounts import Book, reopened

if TYPE_CHECKING:
    from exporter.tracker.accounts import Account
    from exporter.tracker.state import ProjectState, TrackedJob


def enter(book: Book, account: Account, tracked: TrackedJob) -> Account:
    """Enter in the book what a job newly shows, and return its account after that."""
    account = book.enter(reopened(account, tracked.job), tracked.job, tracked.counts)
    ending = tracked.ending
    if ending is not None and ending.items_known and tracked.counts is not None:
        return book.enter_item_durations(account, tracked.job, tracked.counts)
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
        accounts[job_id] = enter(book, accounts[job_id], tracked)
    return replace(state, jobs=jobs, accounts=accounts, counters=book.counters())
