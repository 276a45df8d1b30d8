"""What LlamaCloud was seen to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.domain.job import ItemCounts, Job


@dataclass(frozen=True, slots=True)
class Listing:
    """All jobs that one complete listing showed, each once.

    ``reached_end`` is false where paging stopped early because the rest was old news.
    """

    jobs: tuple[Job, ...]
    asked_monotonic: float
    began_at: float
    ended_at: float
    truncated: bool = False
    reached_end: bool = True


@dataclass(frozen=True, slots=True)
class JobRefreshed:
    """The answer to a question for one job's status; ``progress_ratio`` runs from 0 to 1."""

    job: Job
    progress_ratio: float | None
    asked_monotonic: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class JobNotFound:
    """LlamaCloud itself, not a gateway, said that it does not know the job."""

    job_id: str
    answered_at: float


@dataclass(frozen=True, slots=True)
class ItemsCounted:
    """One job's items were counted, all of them."""

    job_id: str
    counts: ItemCounts
    asked_monotonic: float
    answered_at: float
