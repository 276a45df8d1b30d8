"""What happened, for the log and for the exporter's own metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import ErrorReason, FailedItem, Failure, Job, JobStatus


class Event:
    """What happened."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class JobAppeared(Event):
    """A job was seen for the first time, active."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobChangedStatus(Event):
    """A job is active with another status than before; ``before`` may be an ended one."""

    job: Job
    before: JobStatus


@dataclass(frozen=True, slots=True)
class JobEnded(Event):
    """A job was seen to end."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobReturned(Event):
    """An ended job has failed items that it did not have when it left: it is shown again."""

    job: Job


@dataclass(frozen=True, slots=True)
class JobGivenUp(Event):
    """The items of an ended job were never fully counted, and are no longer asked for.

    ``items_not_ended`` is how many were in no end state when all were last counted, ``None`` if
    they never were.
    """

    job: Job
    items_not_ended: int | None


@dataclass(frozen=True, slots=True)
class JobRecordsContradict(Event):
    """The list and the status of a job contradict each other again and again."""

    job_id: str


@dataclass(frozen=True, slots=True)
class ItemsFailed(Event):
    """Failed items of a job were seen for the first time."""

    job: Job
    items: tuple[FailedItem, ...]


@dataclass(frozen=True, slots=True)
class MoreItemsFailed(Event):
    """A job has more failed items than are reported one by one."""

    job: Job
    not_reported: int


@dataclass(frozen=True, slots=True)
class ItemsFailedBeforeStart(Event):
    """A job that had ended before the baseline has failed items, so many for each reason.

    ``items`` are the first of them.
    """

    job: Job
    number: int
    reasons: Mapping[str, int]
    items: tuple[FailedItem, ...]


@dataclass(frozen=True, slots=True)
class ListingSucceeded(Event):
    """The project was listed; ``recovered`` ends a failure that was news."""

    jobs: int
    active_jobs: int
    is_first: bool
    recovered: bool


@dataclass(frozen=True, slots=True)
class ListingFailed(Event):
    """The project could not be listed; ``is_news`` is false while a failure lasts.

    ``is_authenticated`` is what is known of the key by now, ``None`` if nothing is.
    """

    failure: Failure
    is_news: bool
    is_authenticated: bool | None = None


@dataclass(frozen=True, slots=True)
class ApiSetAside(Event):
    """A generation of the API failed while another one answers, and is asked seldom from now on.

    ``had_answered`` is true if it listed the project before.
    """

    api_version: str
    failure: Failure
    had_answered: bool


@dataclass(frozen=True, slots=True)
class ApiOfferedAgain(Event):
    """A generation of the API that was set aside has answered."""

    api_version: str


@dataclass(frozen=True, slots=True)
class ListingTruncated(Event):
    """A bound on requests hides jobs, for the first time since a listing showed all."""

    jobs: int


@dataclass(frozen=True, slots=True)
class ListingWholeAgain(Event):
    """No job is hidden by the bound on requests any more."""

    jobs: int


@dataclass(frozen=True, slots=True)
class ProjectStale(Event):
    """The last listing is too old, so active jobs are no longer published."""

    stale_after: float
    listing_fails: bool


@dataclass(frozen=True, slots=True)
class RefreshFailed(Event):
    """A job could not be refreshed, the first of those that fail for this reason."""

    job_id: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class RefreshRecovered(Event):
    """No job has failed to refresh for this reason for some polls."""

    reason: ErrorReason


@dataclass(frozen=True, slots=True)
class PollFinished(Event):
    """A poll is over: a listing, and the refreshes until the next."""

    result: Literal["success", "partial", "error"]
    reasons: frozenset[ErrorReason]
    seconds: float
