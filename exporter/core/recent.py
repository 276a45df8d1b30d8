"""Recent status changes and failed items, for the status pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import FAILED_ITEMS_KEPT, FailedItem, StatusChange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.core.tracked_job import TrackedJob

_CHANGES_KEPT_OF_A_JOB = 10
# Their texts have up to 500 characters each: a few megabytes in all.
_FAILED_ITEMS_KEPT_OF_ALL = 2_000


class Recent:
    """Owns the last status changes of each tracked job, and the last failed items of the project.

    Both are by job id, the newest last. The tuples are replaced, never edited.
    """

    def __init__(self) -> None:
        self.status_changes: dict[str, tuple[StatusChange, ...]] = {}
        self.failed_items: dict[str, tuple[FailedItem, ...]] = {}
        self._items = 0

    def note(self, before: TrackedJob | None, after: TrackedJob, seen_at: float | None) -> None:
        """Add the status of a job if it changed."""
        job = after.job
        if before is not None and before.job.status is job.status:
            return
        moment = after.last_refreshed_at if seen_at is None else seen_at
        change = StatusChange(job.status, moment, job.error_message)
        known = self.status_changes.get(job.id, ())
        self.status_changes[job.id] = (*known, change)[-_CHANGES_KEPT_OF_A_JOB:]

    def items_failed(self, job_id: str, items: Iterable[FailedItem]) -> None:
        """Add failed items; beyond the limit, those of the longest unchanged job are dropped."""
        known = self.failed_items.pop(job_id, ())
        self.failed_items[job_id] = both = (*known, *items)[-FAILED_ITEMS_KEPT:]
        self._items += len(both) - len(known)
        while self._items > _FAILED_ITEMS_KEPT_OF_ALL:
            oldest = next(iter(self.failed_items))
            self._items -= len(self.failed_items.pop(oldest))

    def forget(self, job_id: str) -> None:
        """Forget a job that is no longer tracked."""
        self.status_changes.pop(job_id, None)
        self._items -= len(self.failed_items.pop(job_id, ()))
