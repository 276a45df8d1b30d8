"""Endpoints, keys, retries and answers of requests, and the observer of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from exporter.llamacloud.budget import RequestBudget

# The parameters of a request; one with several values is repeated.
Query: TypeAlias = Mapping[str, str | Sequence[str]]


class Endpoint(StrEnum):
    """The endpoints of a generation of the API, by which requests are counted."""

    @property
    def is_listing(self) -> bool:
        """Whether requests find jobs, and so take precedence over those about single jobs."""
        raise NotImplementedError


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
