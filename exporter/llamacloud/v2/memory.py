"""What is kept of one batch between its answers, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import JobStatus, latest
from exporter.llamacloud.v2.files import Files
from exporter.llamacloud.v2.patience import Patience

if TYPE_CHECKING:
    from exporter.domain import Job
    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.models import FileJobRow
    from exporter.llamacloud.v2.reader import BatchFetched


@dataclass(slots=True, eq=False)
class BatchMemory:
    """One batch and its files as far as they are known; it is changed in place.

    So a count that breaks off keeps what it learnt. ``has_results`` is true once LlamaCloud gave
    results, ``are_final_results`` once whole ones were read after LlamaCloud was done with the
    batch, ``are_confirmed`` once they were read again after the last file had ended, and said
    nothing new: the batch is over then. ``times_unanswered`` counts the counts in which the list of
    its file jobs told of none.
    """

    files: Files = field(default_factory=Files)
    has_results: bool = False
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
    _patience: Patience = field(default_factory=Patience)
    _status: JobStatus = JobStatus.UNKNOWN
    _moves: int = 0
    _runs_again: bool = False

    @property
    def wants_results(self) -> bool:
        """Whether the batch is to be asked for with its results."""
        if not self.are_final_results or (self.all_ended and not self.are_confirmed):
            return True
        return self.files.may_be_mapped

    @property
    def all_ended(self) -> bool:
        """Whether all files have ended; false while there are no results."""
        return self.has_results and self.files.all_ended

    def apply_batch(self, batch: BatchFetched, known_values: KnownValues) -> None:
        """Apply an answer about the batch itself."""
        self._apply_job(batch.job)
        self.asked_monotonic, self.answered_at = batch.asked_monotonic, batch.answered_at
        had_ended, moves = self.all_ended, self.files.moves
        are_whole = self._apply_results(batch, known_values)
        if batch.job.status is JobStatus.CANCELLED:
            self.files.cancel_unmapped()
        if not self.is_done:
            self.are_final_results = self.are_confirmed = False
        # Results that are null, or fewer than they were, confirm nothing.
        elif batch.results is not None:
            self.are_final_results = are_whole
            self.are_confirmed = are_whole and had_ended and moves == self.files.moves

    def apply_file_job(
        self, file_id: str, row: FileJobRow, answered_at: float, known_values: KnownValues
    ) -> None:
        """Apply the row of its file job, in an answer of that Unix time, to a file."""
        newest_at = self.files.apply_file_job(
            file_id, row, known_values, created_at=self.created_at, answered_at=answered_at
        )
        self.newest_at = latest(self.newest_at, newest_at)

    def look(self, now: float, give_up_after_seconds: float) -> bool:
        """Note that all was asked that there is to ask; tell whether to wait no longer.

        LlamaCloud is done with the batch then, and nothing of it moved for long. Files are given up
        whose end nothing tells; should that end the batch, it is waited for anew until the results
        were read for the last time. ``now`` is a monotonic moment.
        """
        had_ended = self.all_ended
        moves = self._moves + self.files.moves
        if not self._patience.look(moves, now, give_up_after_seconds) or not self.is_done:
            return False
        self.files.give_up(self._patience.still_seconds)
        if self.all_ended and not had_ended:
            self._moves += 1
        return True

    def would_give_up(self, now: float, give_up_after_seconds: float) -> bool:
        """Tell whether a look at this moment would give up, if nothing moves until then."""
        moves = self._moves + self.files.moves
        return self.is_done and self._patience.would_end(moves, now, give_up_after_seconds)

    def _apply_job(self, job: Job) -> None:
        self._moves += job.status is not self._status
        self._status, self.is_mapped, self.created_at = job.status, job.is_mapped, job.created_at
        is_done = job.is_mapped or not job.active
        self._runs_again |= self.is_done and not is_done
        self.is_done = is_done
        self.newest_at = latest(self.newest_at, job.created_at)

    def _apply_results(self, batch: BatchFetched, known_values: KnownValues) -> bool:
        """Apply results if there are any; tell whether they seem whole."""
        if batch.results is None:
            return False
        # A list may not be whole yet. What it lacks is followed on, as where there is no list.
        keeps_missing = self.is_done and not self._runs_again
        are_whole = self.files.apply_results(
            batch.results, known_values, keeps_missing=keeps_missing
        )
        self.has_results, self._runs_again = True, False
        self.results_unread = batch.results_unread
        return are_whole and not batch.results_unread
