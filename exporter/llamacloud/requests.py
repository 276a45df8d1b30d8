"""Endpoints, keys, retries and answers of requests, and the observer of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from exporter.domain import ApiVersion

if TYPE_CHECKING:
    from exporter.llamacloud.budget import RequestBudget

# The parameters of a request; one with several values is repeated.
Query: TypeAlias = Mapping[str, str | Sequence[str]]


class Endpoint(StrEnum):
    """The endpoints, by which requests are counted."""

    LIST_JOBS = "list_jobs"
    JOB_STATUS = "job_status"
    LIST_ITEMS = "list_items"
    LIST_BATCHES = "list_batches"
    BATCH = "batch"
    LIST_PARSE_JOBS = "list_parse_jobs"
    LIST_EXTRACT_JOBS = "list_extract_jobs"


ENDPOINTS_OF: Final[Mapping[str, Sequence[Endpoint]]] = {
    ApiVersion.V1BETA: (Endpoint.LIST_JOBS, Endpoint.JOB_STATUS, Endpoint.LIST_ITEMS),
    ApiVersion.V2: (
        Endpoint.LIST_BATCHES,
        Endpoint.BATCH,
        Endpoint.LIST_PARSE_JOBS,
        Endpoint.LIST_EXTRACT_JOBS,
    ),
}
# Requests to these find jobs, and take precedence over those about single jobs.
LISTINGS = frozenset({Endpoint.LIST_JOBS, Endpoint.LIST_BATCHES})


class RequestObserver(Protocol):
    """Observes the requests of a client, and what could not be read of their answers."""

    def request_finished(self, endpoint: str, code: str, seconds: float) -> None:
        """Record a request; ``code`` is its HTTP status, ``timeout`` or ``network``."""

    def request_retried(self, endpoint: str) -> None:
        """Record that the next request is a retry."""

    def budget_waited(self, seconds: float) -> None:
        """Record the time that a request waited for the budget."""

    def rows_left_out(self, endpoint: str, number: int) -> None:
        """Record rows of an answer that could not be read."""

    def fields_left_out(self, endpoint: str, field: str, number: int) -> None:
        """Record fields of this name that could not be read, in rows or in an answer."""


class Access(Protocol):
    """Owns a project's key, which can be replaced while the exporter runs, and its budget."""

    @property
    def api_key(self) -> str:
        """The current key; raises ``KeyMissing`` before the first one."""

    @property
    def budget(self) -> RequestBudget:
        """The budget of the current key."""

    @property
    def changes(self) -> int:
        """How often the key was replaced."""

    def renew(self) -> None:
        """Read the key again from its file."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and the waits in between, which double and have jitter.

    LlamaCloud's documentation recommends exponential backoff with jitter; the figures are those
    of its SDK.
    """

    attempts: int = 3
    wait_initial_seconds: float = 0.5
    wait_max_seconds: float = 8.0
    wait_jitter_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a 200; ``answered_at`` is the Unix time of it by LlamaCloud's clock."""

    body: bytes
    asked_monotonic: float
    answered_at: float
