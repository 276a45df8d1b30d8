"""The data of the pages and the JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.domain import ProjectStatus


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


def nothing_is_listed(reports: Sequence[ProjectReport]) -> bool:
    """Return whether there are projects, and the last listing of each of them failed."""
    return bool(reports) and all(report.status.listing_failure is not None for report in reports)
