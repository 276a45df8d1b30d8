"""For how long what ended is looked at again, and its account is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exporter.domain import Listing
    from exporter.tracker.accounts import Account
    from exporter.tracker.state import ProjectState

# What ended in the hour before the watermark is looked at again, so that neither a late row nor a
# clock that is off loses an end. Accounts are kept twice as long, so that none counts twice: by a
# clock that is ahead, a job may have ended an overlap later than it was last listed.
_WATERMARK_OVERLAP_SECONDS = 3600.0
_ACCOUNTS_KEPT_SECONDS = 2 * _WATERMARK_OVERLAP_SECONDS
_TRUNCATED_KEPT_SECONDS = 7 * 86400.0


def news_since(state: ProjectState) -> float | None:
    """Return the moment before which a listing in order has no news, if any is known."""
    return None if state.watermark_at is None else state.watermark_at - _WATERMARK_OVERLAP_SECONDS


def still_needed(
    accounts: Mapping[str, Account], listing: Listing, jobs: Collection[str]
) -> dict[str, Account]:
    """Forget the accounts of jobs that left, once LlamaCloud has long not listed them either.

    A listing that is truncated never tells that a job is gone from the list: it must be missing
    for much longer.
    """
    listed_ids = {job.id for job in listing.jobs}
    kept = _TRUNCATED_KEPT_SECONDS if listing.truncated else _ACCOUNTS_KEPT_SECONDS
    needed = {}
    for job_id, account in accounts.items():
        if job_id in listed_ids or job_id in jobs:
            needed[job_id] = listed_now(account)
        elif account.unlisted_since is None:
            needed[job_id] = replace(account, unlisted_since=listing.began_at)
        elif account.unlisted_since >= listing.began_at - kept:
            needed[job_id] = account
    return needed


def listed_now(account: Account) -> Account:
    """Return the account of a job that a listing shows."""
    return account if account.unlisted_since is None else replace(account, unlisted_since=None)
