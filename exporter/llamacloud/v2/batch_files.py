"""The files of one batch, from its results and its file jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import FAILED_ITEMS_KEPT, FailedItem, ItemStatus, latest
from exporter.llamacloud.v2.entries import BatchEntry, by_file
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.domain import EndedItem
    from exporter.llamacloud.v2.batches import FileJob
    from exporter.llamacloud.v2.entries import Result

# Names and messages are unbounded; this much of each is enough for a log line.
_TEXT_LENGTH = 500
# A job may wait for long in a status that is newer than this exporter.
_NEW_STATUS_GIVEN_UP_AFTER_SECONDS = 86_400.0


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
    def all_ended(self) -> bool:
        """Whether all entries have ended."""
        return all(entry.has_ended for entry in self.entries.values())

    @property
    def may_be_mapped(self) -> bool:
        """Whether a file has neither a file job yet, nor an error instead."""
        return any(entry.may_be_mapped for entry in self.entries.values())

    @property
    def failed(self) -> tuple[FailedItem, ...]:
        """The first failed files, with their names and messages."""
        return tuple({item.item_id: item for item in self._failed.values()}.values())

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
            entry.refuse(now)
            self._move(entry, ItemStatus.UNKNOWN)

    def refused(self, files: Mapping[str, Sequence[str]]) -> dict[str, BatchEntry]:
        """Return the file jobs whose last request failed, each with the entry of a file."""
        entries = {job_id: self.entries[file_ids[0]] for job_id, file_ids in files.items()}
        return {i: entry for i, entry in entries.items() if entry.refused_at is not None}

    def cancel_unmapped(self) -> None:
        """Cancel the entries without a file job: they will get none."""
        for entry in self.entries.values():
            if entry.may_be_mapped:
                self._move(entry, ItemStatus.CANCELLED)

    def give_up(self, still_seconds: float) -> None:
        """Give up entries whose end cannot be found, after ``still_seconds`` without a change."""
        for entry in self.entries.values():
            is_known = entry.has_reference and entry.status is not ItemStatus.UNKNOWN
            if entry.has_ended or is_known:
                continue
            if entry.has_new_status and still_seconds < _NEW_STATUS_GIVEN_UP_AFTER_SECONDS:
                continue
            entry.status, entry.is_given_up = ItemStatus.UNKNOWN, True

    def by_status(self) -> dict[ItemStatus, int]:
        """Count the files."""
        counted = Counter(entry.status for entry in by_file(self.entries).values())
        return {status: counted[status] for status in ItemStatus}

    def failure_reasons(self) -> dict[str, int]:
        """Count the failed files by reason."""
        reasons = (entry.failure_reason for entry in by_file(self.entries).values())
        return dict(Counter(reason for reason in reasons if reason is not None))

    def ended(self) -> tuple[EndedItem, ...]:
        """Return the files that have ended."""
        return tuple(entry.ended() for entry in by_file(self.entries).values() if entry.has_ended)

    def _move(self, entry: BatchEntry, status: ItemStatus) -> None:
        self.moves += entry.status is not status
        entry.status = status

    def _forget(self, file_ids: Iterable[str]) -> None:
        for file_id in file_ids:
            self.moves += 1
            self._failed.pop(file_id, None)

    def _keep_failed(self, file_id: str, name: str | None, message: str | None) -> None:
        if len(self._failed) < FAILED_ITEMS_KEPT:
            name, message = cut(name, _TEXT_LENGTH), cut(message, _TEXT_LENGTH)
            entry = self.entries[file_id]
            self._failed[file_id] = FailedItem(entry.file_id, name, message, entry.failure_reason)
