"""Observations: the results of actions, and other events that the core has to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from exporter.domain import Failure, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.core.actions import ListJobs, RefreshJob
    from exporter.domain import (
        ItemsCounted,
        Job,
        JobNotFound,
        JobRefreshed,
        Memory,
        NotCounted,
        NothingToCount,
        ProjectView,
    )

Outcome: TypeAlias = Listing | Failure

_JOBS_IN_A_PART = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of the result of a listing: some of the jobs of one API generation.

    ``outcomes`` holds a listing or a failure for each API generation that was requested. The last
    part completes the listing.
    """

    action: ListJobs
    outcomes: Mapping[str, Outcome]
    api_version: str = ""
    jobs: tuple[Job, ...] = ()
    is_last: bool = True

    @property
    def listings(self) -> Mapping[str, Listing]:
        """The listings of the API generations that answered."""
        return {v: outcome for v, outcome in self.outcomes.items() if isinstance(outcome, Listing)}

    @classmethod
    def parts(cls, action: ListJobs, outcomes: Mapping[str, Outcome]) -> Iterator[Listed]:
        """Split a listing, so that applying a long one does not block the event loop."""
        parts = [
            (api_version, outcome.jobs[start : start + _JOBS_IN_A_PART])
            for api_version, outcome in outcomes.items()
            if isinstance(outcome, Listing)
            for start in range(0, len(outcome.jobs), _JOBS_IN_A_PART)
        ]
        for number, (api_version, jobs) in enumerate(parts, 1):
            yield cls(action, outcomes, api_version, jobs, is_last=number == len(parts))
        if not parts:
            yield cls(action, outcomes)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An answer about one job, and the job's next ``memory``."""

    action: RefreshJob
    answer: JobRefreshed | JobNotFound | ItemsCounted | NothingToCount | NotCounted
    memory: Memory


@dataclass(frozen=True, slots=True)
class Failed:
    """A refresh failed."""

    action: RefreshJob
    failure: Failure


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An action was cancelled without an answer, as at shutdown: it is to be done again."""

    action: ListJobs | RefreshJob


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """The API key has changed."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Time has passed, after which jobs may leave."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Scrapes show ``view`` from now on."""

    view: ProjectView


@dataclass(frozen=True, slots=True)
class Scraped:
    """A complete scrape showed the project's view with this number."""

    view_number: int


Observation: TypeAlias = (
    Listed | Refreshed | Failed | Abandoned | KeyChanged | TimePassed | Shown | Scraped
)
