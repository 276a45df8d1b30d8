"""Events of a project, for the log and for the exporter's own metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import ErrorReason, FailedItem, Failure, Job, JobStatus


class Event:
    """Base class of all events."""

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
    """The items of an ended job were never fully counted, and are no longer requested.

    ``items_not_ended`` is how many items had not ended at the last full count, ``None`` if there
    was none.
    """

    job: Job
    items_not_ended: int | None


@dataclass(frozen=True, slots=True)
class JobRecordsContradict(Event):
    """The list and the status endpoint contradict each other repeatedly."""

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
    """A job that ended before the baseline has failed items.

    ``reasons`` counts them by reason, ``items`` holds the first of them.
    """

    job: Job
    number: int
    reasons: Mapping[str, int]
    items: tuple[FailedItem, ...]


@dataclass(frozen=True, slots=True)
class ListingSucceeded(Event):
    """The project was listed; ``recovered`` is true after a reported failure."""

    jobs: int
    active_jobs: int
    is_first: bool
    recovered: bool


@dataclass(frozen=True, slots=True)
class ListingFailed(Event):
    """The project could not be listed; ``is_new`` is false while a reported failure lasts.

    ``is_authenticated`` is whether LlamaCloud accepts the key, ``None`` if that is not known.
    """

    failure: Failure
    is_new: bool
    is_authenticated: bool | None = None


@dataclass(frozen=True, slots=True)
class ApiSetAside(Event):
    """An API generation failed while another one answers: it is requested less often from now on.

    ``had_answered`` is true if it listed the project before.
    """

    api_version: str
    failure: Failure
    had_answered: bool


@dataclass(frozen=True, slots=True)
class ApiOfferedAgain(Event):
    """An API generation that was set aside has answered."""

    api_version: str


@dataclass(frozen=True, slots=True)
class ListingTruncated(Event):
    """The limit of requests hides jobs, for the first time since a complete listing."""

    jobs: int


@dataclass(frozen=True, slots=True)
class ListingWholeAgain(Event):
    """The limit of requests no longer hides jobs."""

    jobs: int


@dataclass(frozen=True, slots=True)
class ProjectStale(Event):
    """The last listing is too old, so active jobs are no longer published."""

    stale_after: float
    listing_fails: bool


@dataclass(frozen=True, slots=True)
class RefreshFailed(Event):
    """A job could not be refreshed, as the first job with this reason."""

    job_id: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class RefreshRecovered(Event):
    """No refresh has failed for this reason for ten polls."""

    reason: ErrorReason


@dataclass(frozen=True, slots=True)
class PollFinished(Event):
    """A poll is over: a listing, and the refreshes until the next."""

    result: Literal["success", "partial", "error"]
    reasons: frozenset[ErrorReason]
    seconds: float
