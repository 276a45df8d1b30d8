"""What single requests to v2 give, and when a list of several pages must begin anew."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.domain import Job
    from exporter.llamacloud.errors import StatusRefused
    from exporter.llamacloud.rows import NotAskedFor
    from exporter.llamacloud.v2.models import FileJobRow, ResultRow

_TOKEN_REFUSED_WITH = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class BatchesPage:
    """A page of the list of batches; ``jobs`` are those that can be read and were asked for.

    ``is_token_unread`` is true where another page is promised by a token that cannot be read.
    """

    jobs: Sequence[Job]
    not_asked_for: Sequence[NotAskedFor]
    rows_unread: int
    sent: int
    next_token: str | None
    is_token_unread: bool
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class BatchFetched:
    """One batch; ``results`` are ``None`` where it has none yet, or they were not asked for."""

    job: Job
    results: Sequence[ResultRow] | None
    results_unread: int
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class FileJobsPage:
    """A page of a list of file jobs; ``is_token_unread`` is as of a ``BatchesPage``."""

    rows: Sequence[FileJobRow]
    next_token: str | None
    asked_monotonic: float
    answered_at: float
    is_token_unread: bool = False


def is_refused_token(error: StatusRefused, token: str | None) -> bool:
    """Tell whether a request may have failed because its token lives no longer."""
    return token is not None and error.code in _TOKEN_REFUSED_WITH
