"""The files of one batch, from its results and its file jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILED_ITEMS_KEPT,
    EndedItem,
    ItemStatus,
    latest,
)
from exporter.llamacloud.failure_reasons import failed_item
from exporter.llamacloud.times import CLOCKS_DIFFER_BY_SECONDS
from exporter.llamacloud.v2.endpoints import V2Endpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from exporter.domain import FailedItem
    from exporter.llamacloud.v2.batches import FileJob, Result

_ENDED = frozenset(ENDED_ITEM_STATUSES)


# gc=False: there are up to 200,000 entries, and none refers to another.
class BatchEntry(Struct, gc=False, kw_only=True):
    """One file of a batch, and its file job if it has one.

    ``endpoint`` lists the file job; it is ``None`` without a file job, or if no list has its type.
    ``has_new_status`` is true for a status that is newer than this exporter. ``refused_since`` and
    ``refused_at`` are the first and the last monotonic moment at which only the requests for this
    file job failed.
    """

    file_id: str
    has_reference: bool = False
    endpoint: V2Endpoint | None = None
    file_job_id: str | None = None
    status: ItemStatus = ItemStatus.PENDING
    failure_reason: str | None = None
    ended_at: float | None = None
    was_seen_active: bool = False
    has_new_status: bool = False
    is_given_up: bool = False
    refused_since: float | None = None
    refused_at: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its status is final, or given up."""
        return self.is_given_up or self.status in _ENDED

    @property
    def may_be_mapped(self) -> bool:
        """Whether the file has neither a file job yet, nor an error instead."""
        return not self.has_reference and not self.has_ended

    def apply(self, file_job: FileJob, batch_created_at: float | None) -> float | None:
        """Apply the state of the file job; return the newest time that shows progress.

        An end before the batch's creation is ignored, unless differing clocks can explain it.
        """
        self.refused_since = self.refused_at = None
        self.status, self.has_new_status = file_job.status, file_job.has_new_status
        self.failure_reason, self.ended_at = file_job.failure_reason, None
        if self.status not in _ENDED:
            self.was_seen_active |= self.status is not ItemStatus.UNKNOWN
            return file_job.created_at
        ended_at, earliest = file_job.updated_at, batch_created_at or 0.0
        if ended_at is not None and ended_at >= earliest - CLOCKS_DIFFER_BY_SECONDS:
            self.ended_at = max(ended_at, earliest)
        return latest(file_job.created_at, self.ended_at)

    def is_same_as(self, other: BatchEntry) -> bool:
        """Return whether another entry has the same file job, or lacks one for the same reason."""
        if self.has_reference or other.has_reference:
            return (self.endpoint, self.file_job_id) == (other.endpoint, other.file_job_id)
        return self.failure_reason == other.failure_reason

    def ended(self) -> EndedItem:
        """Return the ended item."""
        return EndedItem(self.status, self.failure_reason, self.ended_at, self.was_seen_active)


@dataclass(slots=True, eq=False)
class Files:
    """The entries of a batch by the ids of its files; ``moves`` counts the changes of statuses.

    A file with several different results has an entry for each, but is counted as one file: as
    failed if any of them failed. ``created_at`` is the Unix time of the batch's creation,
    ``newest_at`` the newest one that shows progress.
    """

    entries: dict[str, BatchEntry] = field(default_factory=dict)
    moves: int = 0
    created_at: float | None = None
    newest_at: float | None = None
    _failed: dict[str, FailedItem] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[FailedItem, ...]:
        """The first failed files, with their names and messages."""
        return tuple({item.item_id: item for item in self._failed.values()}.values())

    def one_by_file(self) -> Collection[BatchEntry]:
        """Return one entry for each file: a failed one, else one that has not ended, else any."""
        shown: dict[str, BatchEntry] = {}
        for entry in self.entries.values():
            shown[entry.file_id] = max(shown.get(entry.file_id, entry), entry, key=_weight)
        return shown.values()

    def apply_results(self, results: Mapping[str, Result], *, keeps_missing: bool) -> bool:
        """Apply results; return whether there are any, and they include every entry kept."""
        before, self.entries = self.entries, {}
        for file_id, (entry, message) in results.items():
            known = before.get(file_id)
            if known is not None and known.is_same_as(entry):
                self.entries[file_id] = known
                continue
            self._forget([file_id])
            self.entries[file_id] = entry
            if entry.status is ItemStatus.FAILED:
                self._keep_failed(file_id, None, message)
        missing = {i: entry for i, entry in before.items() if i not in self.entries}
        if keeps_missing:
            self.entries |= missing
        else:
            self._forget(missing)
        return bool(results) and not (keeps_missing and missing)

    def apply_file_job(self, file_id: str, file_job: FileJob) -> None:
        """Apply the state of its file job to a file."""
        entry = self.entries[file_id]
        before = entry.status
        self.newest_at = latest(self.newest_at, entry.apply(file_job, self.created_at))
        self.moves += entry.status is not before
        if entry.status is ItemStatus.FAILED:
            self._keep_failed(file_id, file_job.name, file_job.error_message)
        else:
            self._failed.pop(file_id, None)

    def apply_missing(self, file_ids: Iterable[str]) -> None:
        """Record that an answer about these files' file jobs did not include them."""
        for file_id in file_ids:
            entry = self.entries[file_id]
            entry.refused_since = entry.refused_at = None
            self._move(entry, ItemStatus.UNKNOWN)

    def apply_refused(self, file_ids: Iterable[str], now: float) -> None:
        """Record that these files' file jobs cannot be fetched although others can."""
        for file_id in file_ids:
            entry = self.entries[file_id]
            entry.refused_since = now if entry.refused_since is None else entry.refused_since
            entry.refused_at = now
            self._move(entry, ItemStatus.UNKNOWN)

    def cancel_unmapped(self) -> None:
        """Cancel the entries without a file job: they will get none."""
        for entry in self.entries.values():
            if entry.may_be_mapped:
                self._move(entry, ItemStatus.CANCELLED)

    def _move(self, entry: BatchEntry, status: ItemStatus) -> None:
        self.moves += entry.status is not status
        entry.status = status

    def _forget(self, file_ids: Iterable[str]) -> None:
        for file_id in file_ids:
            self.moves += 1
            self._failed.pop(file_id, None)

    def _keep_failed(self, file_id: str, name: str | None, message: str | None) -> None:
        if len(self._failed) < FAILED_ITEMS_KEPT:
            entry = self.entries[file_id]
            self._failed[file_id] = failed_item(entry.file_id, name, message, entry.failure_reason)


def _weight(entry: BatchEntry) -> int:
    return 2 if entry.status is ItemStatus.FAILED else int(not entry.has_ended)
