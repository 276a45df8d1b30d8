"""What LlamaCloud is asked for, and what it answered, whatever generation of its API did.

``asked_monotonic`` is when the first request for an answer was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain.job import ItemCounts, Job


@dataclass(frozen=True, slots=True)
class ListingPlan:
    """Which jobs to list, and how far back.

    ``max_requests`` bounds the requests for each combination of a directory and a job type. Where
    ``news_since`` is a Unix time, older jobs may be left out.
    """

    max_requests: int
    directory_ids: Sequence[str] = ()
    job_types: Sequence[str] = ()
    news_since: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The jobs that one successful listing showed, each once.

    ``truncated`` is true where ``max_requests`` hid jobs, ``reached_end`` is false where older jobs
    were left out as the plan allowed. ``rows_left_out`` counts rows that could not be read, or that
    were not asked for.
    """

    jobs: tuple[Job, ...]
    asked_monotonic: float
    began_at: float
    ended_at: float
    truncated: bool = False
    reached_end: bool = True
    rows_left_out: int = 0


@dataclass(frozen=True, slots=True)
class JobRefreshed:
    """The status of one job; ``progress_ratio`` runs from 0 to 1."""

    job: Job
    progress_ratio: float | None
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class JobNotFound:
    """LlamaCloud itself, not a gateway, does not know the job.

    ``failure`` describes the answer as an error, for a job that LlamaCloud lists all the same.
    """

    job_id: str
    asked_monotonic: float
    answered_at: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class CountLimits:
    """``max_requests`` bounds each reading of a job's items; a count reads them thrice at most."""

    max_requests: int


@dataclass(frozen=True, slots=True)
class ItemsCounted:
    """The items of one job, counted: all of them, or those in the statuses that were counted."""

    job_id: str
    counts: ItemCounts
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class NothingToCount:
    """LlamaCloud does not tell the items of the job yet."""

    job_id: str
    asked_monotonic: float


class UncountedReason(StrEnum):
    """Why the items of a job cannot be counted exactly."""

    TOO_MANY_ITEMS = "too_many_items"
    DOES_NOT_ADD_UP = "does_not_add_up"
    UNREADABLE_ITEMS = "unreadable_items"


@dataclass(frozen=True, slots=True)
class NotCounted:
    """The items of the job cannot be counted exactly for now."""

    job_id: str
    asked_monotonic: float
    reason: UncountedReason = UncountedReason.TOO_MANY_ITEMS


class ErrorReason(StrEnum):
    """The bounded set of reasons by which failures are counted."""

    UNAUTHORIZED = "unauthorized"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    NETWORK = "network"
    SERVER = "server"
    BAD_RESPONSE = "bad_response"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a question was not answered: ``detail`` says what happened, ``advice`` what to do."""

    reason: ErrorReason
    detail: str
    advice: str
