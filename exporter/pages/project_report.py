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

    If ``shows_documents`` is false, names of documents and error texts are left out.
    """

    status: ProjectStatus
    budget_limit: float
    budget: float
    requests_in_last_minute: int
    shows_documents: bool = True


@dataclass(frozen=True, slots=True)
class PageSource:
    """The source of the data; ``clean`` removes secrets from a text."""

    reports: Callable[[], Sequence[ProjectReport]]
    clean: Callable[[str], str]
    version: str
    telemetry_path: str


def nothing_is_listed(reports: Sequence[ProjectReport]) -> bool:
    """Return whether there are projects, and the last listing of each of them failed."""
    return bool(reports) and all(report.status.listing_failure is not None for report in reports)
