"""The data of the pages and the JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter import advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.domain import Failure, ProjectStatus


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """The status of a project, and the budget of its key in requests a second.

    Unless it ``tells_documents``, names of documents and error texts are left out.
    """

    status: ProjectStatus
    budget_limit: float
    budget: float
    requests_in_last_minute: int
    tells_documents: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """Where the data comes from; ``clean`` takes secrets out of a text."""

    reports: Callable[[], Sequence[ProjectReport]]
    clean: Callable[[str], str]
    version: str
    telemetry_path: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a project, in the words of the log line ``event``."""

    event: str
    advice: str
    failure: Failure | None = None
    api_version: str | None = None


def problems_of(status: ProjectStatus) -> Iterator[Problem]:
    """List what is wrong with a project, the worst first."""
    if (failure := status.listing_failure) is not None:
        yield Problem("project.listing_failed", advice.listing_failed(failure), failure)
    if status.went_stale:
        yield Problem("project.stale", advice.stale(listing_fails=failure is not None))
    if status.is_truncated:
        yield Problem("project.listing_truncated", advice.TRUNCATED)
    for api in status.apis:
        if (refusal := api.set_aside) is not None:
            what = advice.set_aside(refusal, had_answered=api.has_answered)
            yield Problem("api.set_aside", what, refusal, api.api_version)


def nothing_is_listed(statuses: Sequence[ProjectStatus]) -> bool:
    """Tell whether there are projects, and the last listing of each of them failed."""
    return bool(statuses) and all(status.listing_failure is not None for status in statuses)
