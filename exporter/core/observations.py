"""What the core is told: answers of LlamaCloud, each to one action, and what happened around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.core.actions import ListJobs, RefreshJob
    from exporter.domain import (
        Failure,
        ItemsCounted,
        Job,
        JobNotFound,
        JobRefreshed,
        Listing,
        Memory,
        NotCounted,
        NothingToCount,
        ProjectView,
    )

_JOBS_IN_A_BATCH = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """Some of the jobs of a listing, in its order; the last batch completes it."""

    action: ListJobs
    listing: Listing
    jobs: tuple[Job, ...]
    is_last: bool

    @classmethod
    def batches(cls, action: ListJobs, listing: Listing) -> Iterator[Listed]:
        """Cut a listing, so that applying a long one does not block the caller for long."""
        jobs = listing.jobs
        for start in range(0, max(len(jobs), 1), _JOBS_IN_A_BATCH):
            end = start + _JOBS_IN_A_BATCH
            yield cls(action, listing, jobs[start:end], is_last=end >= len(jobs))


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An answer about one job, and the job's next ``memory``."""

    action: RefreshJob
    answer: JobRefreshed | JobNotFound | ItemsCounted | NothingToCount | NotCounted
    memory: Memory


@dataclass(frozen=True, slots=True)
class Failed:
    """An action failed; ``action.began`` is when its first request could be sent."""

    action: ListJobs | RefreshJob
    failure: Failure


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An action was given up without an answer, as at shutdown: it is to be done again."""

    action: ListJobs | RefreshJob


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """Another API key is in use from now on."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing was answered for a while, but time alone may let jobs leave."""


@dataclass(frozen=True, slots=True)
class Published:
    """Scrapes show ``view`` from now on."""

    view: ProjectView


@dataclass(frozen=True, slots=True)
class Scraped:
    """A complete scrape showed the view of ``generation``."""

    generation: int


Observation: TypeAlias = (
    Listed | Refreshed | Failed | Abandoned | KeyChanged | TimePassed | Published | Scraped
)
