"""What is kept of one batch between its answers, and what follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import FAILED_ITEMS_KEPT, FailedItem, ItemStatus, JobStatus, latest
from exporter.llamacloud.v2.entries import Entry, apply_file_job, entry_of
from exporter.llamacloud.v2.patience import Patience
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.domain import EndedItem, Job
    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.models import FileJobRow, ResultRow
    from exporter.llamacloud.v2.pages import BatchFetched

# Names and messages are free text without bound; a log line needs no more of them.
_TEXT_LENGTH = 500
# A status that is newer than this exporter may be one in which a job waits for long.
_UNKNOWN_WORD_GIVEN_UP_AFTER_SECONDS = 86_400.0


@dataclass(slots=True, eq=False)
class BatchMemory:
    """The files of one batch as far as they are known; it is changed in place.

    So a count that breaks off keeps what it learnt. ``entries`` are by the files' ids, ``None``
    before LlamaCloud gave results. ``are_final_results`` is true once results were read after
    LlamaCloud was done with the batch, ``are_confirmed`` once they were read again after the last
    entry had ended, and said nothing new: the batch is over then.
    """

    entries: dict[str, Entry] | None = None
    failed: dict[str, FailedItem] = field(default_factory=dict)
    results_unread: int = 0
    created_at: float | None = None
    newest_at: float | None = None
    is_mapped: bool = False
    is_done: bool = False
    are_final_results: bool = False
    are_confirmed: bool = False
    asked_monotonic: float = 0.0
    answered_at: float = 0.0
    times_unanswered: int = 0
    patience: Patience = field(default_factory=Patience)
    _status: JobStatus = JobStatus.UNKNOWN

    @property
    def wants_results(self) -> bool:
        """Whether the batch is to be asked for with its results."""
        return not self.are_final_results or (self.all_ended and not self.are_confirmed)

    @property
    def all_ended(self) -> bool:
        """Whether all entries have ended; false while there are no results."""
        return self.entries is not None and all(e.has_ended for e in self.entries.values())

    def apply_batch(self, batch: BatchFetched, known_values: KnownValues) -> None:
        """Apply an answer about the batch itself."""
        self._apply_job(batch.job)
        self.asked_monotonic, self.answered_at = batch.asked_monotonic, batch.answered_at
        had_ended, moves = self.all_ended, self.patience.moves
        if batch.results is not None:
            self.results_unread = batch.results_unread
            self._apply_results(batch.results, known_values)
        if batch.job.status is JobStatus.CANCELLED:
            self._cancel_unmapped()
        if not self.is_done:
            self.are_final_results = self.are_confirmed = False
        elif batch.results is not None or had_ended:
            self.are_final_results = self.entries is not None and not self.results_unread
            self.are_confirmed = (
                self.are_final_results and had_ended and moves == self.patience.moves
            )

    def apply_file_job(
        self, file_id: str, row: FileJobRow, answered_at: float, known_values: KnownValues
    ) -> None:
        """Apply the row of its file job, in an answer of that Unix time, to a file."""
        entry = self._entries[file_id]
        before = entry.status
        newest_at = apply_file_job(
            entry, row, known_values, created_at=self.created_at, answered_at=answered_at
        )
        self.patience.moves += entry.status is not before
        self.newest_at = latest(self.newest_at, newest_at)
        if entry.status is ItemStatus.FAILED:
            self._keep_failed(file_id, getattr(row, "name", None), row.error_message)

    def apply_missing(self, file_ids: Sequence[str]) -> None:
        """Apply that an answer about the file jobs of these files did not show them."""
        for file_id in file_ids:
            entry = self._entries[file_id]
            entry.refused_since = entry.refused_at = None
            self._move(entry, ItemStatus.UNKNOWN)

    def apply_refused(self, file_ids: Sequence[str], now: float) -> None:
        """Apply that the file jobs of these files cannot be had while others can."""
        for file_id in file_ids:
            entry = self._entries[file_id]
            entry.refuse(now)
            self._move(entry, ItemStatus.UNKNOWN)

    def refused(self, files: Mapping[str, Sequence[str]]) -> dict[str, Entry]:
        """Return the file jobs that were refused last, each with the entry of one of its files."""
        entries = {job_id: self._entries[file_ids[0]] for job_id, file_ids in files.items()}
        return {i: entry for i, entry in entries.items() if entry.refused_at is not None}

    def look(self, now: float, give_up_after_seconds: float) -> bool:
        """Note that all was asked that there is to ask; tell whether to wait no longer.

        LlamaCloud is done with the batch then, and nothing of it moved for long. Entries are given
        up whose end nothing tells. ``now`` is a monotonic moment.
        """
        if not self.patience.look(now, give_up_after_seconds) or not self.is_done:
            return False
        for entry in self._entries.values():
            self._give_up(entry, self.patience.still_seconds)
        return True

    def by_status(self) -> dict[ItemStatus, int]:
        """Count the entries."""
        counted = Counter(entry.status for entry in self._entries.values())
        return {status: counted[status] for status in ItemStatus}

    def failure_reasons(self) -> dict[str, int]:
        """Count the failed entries by reason."""
        reasons = (entry.failure_reason for entry in self._entries.values())
        return dict(Counter(reason for reason in reasons if reason is not None))

    def ended(self) -> tuple[EndedItem, ...]:
        """Describe the entries that have ended."""
        return tuple(entry.ended() for entry in self._entries.values() if entry.has_ended)

    @property
    def _entries(self) -> dict[str, Entry]:
        return {} if self.entries is None else self.entries

    def _apply_job(self, job: Job) -> None:
        self.patience.moves += job.status is not self._status
        self._status, self.is_mapped, self.created_at = job.status, job.is_mapped, job.created_at
        self.is_done = job.is_mapped or not job.active
        self.newest_at = latest(self.newest_at, job.created_at)

    def _apply_results(self, results: Sequence[ResultRow], known_values: KnownValues) -> None:
        before, self.entries = self._entries, {}
        # The id is the stable key of a file: one that comes twice is as it was said last.
        rows = {row.source_directory_file_id: row for row in results}
        for file_id, row in rows.items():
            entry, known = entry_of(row, known_values), before.get(file_id)
            if known is not None and known.is_of(entry):
                self.entries[file_id] = known
                continue
            self.patience.moves += 1
            self.entries[file_id] = entry
            self.failed.pop(file_id, None)
            if entry.status is ItemStatus.FAILED:
                self._keep_failed(file_id, None, row.error_message)
        for file_id in before.keys() - self.entries.keys():
            self.patience.moves += 1
            self.failed.pop(file_id, None)

    def _cancel_unmapped(self) -> None:
        for entry in self._entries.values():
            if not entry.has_reference and not entry.has_ended:
                self._move(entry, ItemStatus.CANCELLED)

    def _move(self, entry: Entry, status: ItemStatus) -> None:
        self.patience.moves += entry.status is not status
        entry.status = status

    def _give_up(self, entry: Entry, still_seconds: float) -> None:
        is_told = entry.has_reference and entry.status is not ItemStatus.UNKNOWN
        if entry.has_ended or is_told:
            return
        if entry.is_word_unknown and still_seconds < _UNKNOWN_WORD_GIVEN_UP_AFTER_SECONDS:
            return
        entry.status, entry.is_given_up = ItemStatus.UNKNOWN, True

    def _keep_failed(self, file_id: str, name: str | None, message: str | None) -> None:
        if len(self.failed) < FAILED_ITEMS_KEPT:
            name, message = cut(name, _TEXT_LENGTH), cut(message, _TEXT_LENGTH)
            self.failed[file_id] = FailedItem(file_id, name, message)
