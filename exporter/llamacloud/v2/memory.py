"""The memory of one batch between its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import JobStatus, latest
from exporter.llamacloud.v2.batch_files import Files

if TYPE_CHECKING:
    from exporter.domain import Job
    from exporter.llamacloud.v2.reader import BatchFetched

# A batch may change unseen while LlamaCloud cannot be reached: one long gap must not be enough.
# With a small budget, a batch is refreshed every fifteen minutes, and must not wait for hours.
_LARGEST_SHARE_OF_LIMIT = 0.5


@dataclass(slots=True, eq=False)
class Stillness:
    """How long no refresh has shown a change in a batch; moments are monotonic.

    Between two refreshes, at most half the limit counts, so that reaching it takes at least three.
    ``seconds`` is the whole time.
    """

    seconds: float = 0.0
    _moves: int = -1
    _since: float = 0.0
    _refreshed_at: float = 0.0
    _counted_seconds: float = 0.0

    def refreshed(self, moves: int, now: float, limit_seconds: float) -> bool:
        """Record a refresh with the total of ``moves``; return whether the limit is reached."""
        self._counted_seconds = self._counted_until(moves, now, limit_seconds)
        if moves != self._moves:
            self._moves, self._since = moves, now
        self._refreshed_at, self.seconds = now, now - self._since
        return self._counted_seconds >= limit_seconds

    def would_reach_limit(self, moves: int, now: float, limit_seconds: float) -> bool:
        """Return whether a refresh at this moment would reach the limit."""
        return self._counted_until(moves, now, limit_seconds) >= limit_seconds

    def _counted_until(self, moves: int, now: float, limit_seconds: float) -> float:
        if moves != self._moves:
            return 0.0
        most_seconds = _LARGEST_SHARE_OF_LIMIT * limit_seconds
        return self._counted_seconds + min(now - self._refreshed_at, most_seconds)


@dataclass(slots=True, eq=False)
class BatchMemory:
    """What is known of one batch and its files.

    It is changed in place, so that a count that fails keeps what it read. ``is_done`` is true while
    LlamaCloud is done with the batch. Then results are read until they are complete
    (``are_final_results``), and once more after the last file has ended. If nothing is new, results
    and batch are final (``are_confirmed``). ``times_unanswered`` is how often the lists returned no
    file job at all.
    """

    files: Files = field(default_factory=Files)
    has_results: bool = False
    results_unreadable: int = 0
    is_mapped: bool = False
    is_done: bool = False
    are_final_results: bool = False
    are_confirmed: bool = False
    asked_monotonic: float = 0.0
    answered_at: float = 0.0
    times_unanswered: int = 0
    _stillness: Stillness = field(default_factory=Stillness)
    _status: JobStatus = JobStatus.UNKNOWN
    _moves: int = 0
    _runs_again: bool = False

    @property
    def wants_results(self) -> bool:
        """Whether to request the batch with its results."""
        if not self.are_final_results or (self.all_ended and not self.are_confirmed):
            return True
        return self.files.may_be_mapped

    @property
    def all_ended(self) -> bool:
        """Whether all files have ended; false while there are no results."""
        return self.has_results and self.files.all_ended

    def apply_batch(self, batch: BatchFetched) -> None:
        """Apply an answer about the batch itself."""
        self._apply_job(batch.job)
        self.asked_monotonic, self.answered_at = batch.asked_monotonic, batch.answered_at
        had_ended, moves = self.all_ended, self.files.moves
        are_complete = self._apply_results(batch)
        if batch.job.status is JobStatus.CANCELLED:
            self.files.cancel_unmapped()
        if not self.is_done:
            self.are_final_results = self.are_confirmed = False
        # Results that are null, or fewer than they were, confirm nothing.
        elif batch.results is not None:
            self.are_final_results = are_complete
            self.are_confirmed = are_complete and had_ended and moves == self.files.moves

    def refreshed(self, now: float, give_up_after_seconds: float) -> bool:
        """Record that a refresh is complete; return whether to stop waiting for the batch.

        Waiting stops if LlamaCloud is done with the batch, and it has not changed for long. Then
        files whose end cannot be found are given up. If that ends the batch, its results are read
        a last time, and waiting starts again. ``now`` is a monotonic moment.
        """
        had_ended = self.all_ended
        moves = self._moves + self.files.moves
        if not self._stillness.refreshed(moves, now, give_up_after_seconds) or not self.is_done:
            return False
        self.files.give_up(self._stillness.seconds)
        if self.all_ended and not had_ended:
            self._moves += 1
        return True

    def would_give_up(self, now: float, give_up_after_seconds: float) -> bool:
        """Return whether a refresh at this moment would give up, if nothing changes until then."""
        moves = self._moves + self.files.moves
        return self.is_done and self._stillness.would_reach_limit(moves, now, give_up_after_seconds)

    def _apply_job(self, job: Job) -> None:
        self._moves += job.status is not self._status
        self._status, self.is_mapped = job.status, job.is_mapped
        is_done = job.is_mapped or not job.active
        self._runs_again |= self.is_done and not is_done
        self.is_done = is_done
        self.files.created_at = job.created_at
        self.files.newest_at = latest(self.files.newest_at, job.created_at)

    def _apply_results(self, batch: BatchFetched) -> bool:
        """Apply results if there are any; return whether they seem complete."""
        if batch.results is None:
            return False
        # Results may be incomplete: entries that they lack are kept unchanged.
        keeps_missing = self.is_done and not self._runs_again
        are_complete = self.files.apply_results(batch.results, keeps_missing=keeps_missing)
        self.has_results, self._runs_again = True, False
        self.results_unreadable = batch.results_unreadable
        return are_complete and not batch.results_unreadable
