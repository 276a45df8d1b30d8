"""What each job has added to the counters, and from which numbers on it adds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.domain import ENDED_ITEM_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import ItemStatus, Job, JobStatus
    from exporter.tracker.ending import End


@dataclass(frozen=True, slots=True)
class Account:
    """What one job has added.

    ``items`` holds the greatest number seen in each status; a status that is missing has no first
    number yet, and its first number will add nothing. ``skip_reasons`` likewise, as a whole.
    ``ends_seen`` are those of a job that has left, or was too old to be shown. ``unlisted_since``
    is the Unix time of the listing that first did not show the job any more.
    """

    adds: bool
    items: Mapping[ItemStatus, int]
    skip_reasons: Mapping[str, int] | None
    ended_as: frozenset[JobStatus] = frozenset()
    queue_observed: bool = False
    run_observed: bool = False
    items_observed: bool = False
    ends_seen: frozenset[End] = frozenset()
    unlisted_since: float | None = None


def from_zero() -> Account:
    """Open the account of a job that counts from its beginning."""
    return Account(adds=True, items=dict.fromkeys(ENDED_ITEM_STATUSES, 0), skip_reasons={})


def from_first_numbers(job: Job) -> Account:
    """Open the account of a job that was under way before the baseline."""
    began_before = job.started_at is not None
    return Account(adds=True, items={}, skip_reasons=None, queue_observed=began_before)


def adds_nothing() -> Account:
    """Open the account of a job that ended before the baseline."""
    return Account(adds=False, items={}, skip_reasons=None)


def reopened(account: Account, job: Job, *, ended_anew: bool) -> Account:
    """Return the account of a job that may be active again, or have ended anew, after the baseline.

    What ended anew without being seen active counts whole: a false increase is better than a missed
    failure.
    """
    if account.adds or not (job.active or ended_anew):
        return account
    opened = from_first_numbers(job) if job.active else from_zero()
    return replace(opened, ends_seen=account.ends_seen)
