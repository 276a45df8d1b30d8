"""The status of one project, for the status pages and their JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain.failures import Failure
    from exporter.domain.job import FailedItem
    from exporter.domain.views import ApiStatus, JobView
    from exporter.domain.vocabulary import JobStatus


class StatusChange(NamedTuple):
    """A status of a job that this process first saw at the Unix time ``seen_at``.

    ``error_message`` is LlamaCloud's message about the job as a whole.
    """

    status: JobStatus
    seen_at: float | None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """One project at one moment; durations are in seconds.

    ``listing_failure`` is why the last listing failed, ``None`` if it succeeded or there was none.
    ``is_authenticated`` is ``None`` while it is not known. ``is_stale`` is also true before the
    first listing. ``jobs`` are all tracked jobs, including those without series.
    ``status_changes`` and ``failed_items`` are by job id, without jobs that have none.
    """

    listing_was_tried: bool
    listing_failure: Failure | None
    is_stale: bool
    is_truncated: bool
    last_listing_at: float | None
    active_jobs: int
    jobs_waiting_for_refresh: int
    project: str = ""
    project_id: str = ""
    organization_id: str = ""
    is_authenticated: bool | None = None
    interval: float = 0.0
    stale_after: float = 0.0
    failing_jobs: int = 0
    hidden_jobs: int = 0
    uncounted_jobs: int | None = None
    apis: tuple[ApiStatus, ...] = ()
    jobs: tuple[JobView, ...] = ()
    status_changes: Mapping[str, tuple[StatusChange, ...]] = field(default_factory=dict)
    failed_items: Mapping[str, tuple[FailedItem, ...]] = field(default_factory=dict)

    @property
    def listing_works(self) -> bool:
        """Whether the last listing succeeded."""
        return self.listing_was_tried and self.listing_failure is None

    @property
    def went_stale(self) -> bool:
        """Whether the project was listed before, but too long ago."""
        return self.is_stale and self.last_listing_at is not None
