"""The memory of one batch between its answers, which decides when the batch is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from exporter.domain import ItemStatus, JobStatus, UncountedReason, latest
from exporter.llamacloud.v2.batch_files import Files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import CountLimits, Job
    from exporter.llamacloud.v2.batches import Result
    from exporter.llamacloud.v2.reader import BatchFetched

# One setting bounds both generations: a request of v1beta lists this many items.
_ENTRIES_A_REQUEST = 1000
# A batch may change unseen while LlamaCloud cannot be reached: one long gap must not be enough.
# With a small budget, a batch is refreshed every fifteen minutes, and must not wait for hours.
_LARGEST_SHARE_OF_LIMIT = 0.5
# A job may wait for long in a status that is newer than this exporter.
_NEW_STATUS_GIVEN_UP_AFTER_SECONDS = 86_400.0


class Results(Enum):
    """How far the results of a batch are known."""

    NONE = auto()
    # They were incomplete, or LlamaCloud was not done with the batch.
    PROVISIONAL = auto()
    # They were complete, and LlamaCloud was done with the batch.
    COMPLETE = auto()
    # They were the same when they were read once more after the last file had ended.
    CONFIRMED = auto()


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
    LlamaCloud is done with the batch, ``is_mapped`` if it says that each file has a file job or an
    error. ``times_unanswered`` is how often the lists returned no file job at all.
    """

    files: Files = field(default_factory=Files)
    results: Results = Results.NONE
    results_unreadable: int = 0
    is_mapped: bool = False
    is_done: bool = False
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
        if self.results is Results.COMPLETE:
            may_be_mapped = any(entry.may_be_mapped for entry in self.files.entries.values())
            return self.all_ended or may_be_mapped
        return self.results is not Results.CONFIRMED

    @property
    def all_ended(self) -> bool:
        """Whether all files have ended; false while there are no results."""
        ended = (entry.has_ended for entry in self.files.entries.values())
        return self.results is not Results.NONE and all(ended)

    def uncounted_reason(self, limits: CountLimits) -> UncountedReason | None:
        """Return why the files cannot be counted, ``None`` if they can be."""
        if self.results is Results.NONE:
            return UncountedReason.NO_RESULTS
        if self.results_unreadable:
            return UncountedReason.UNREADABLE_ITEMS
        is_too_large = len(self.files.entries) > limits.max_requests * _ENTRIES_A_REQUEST
        return UncountedReason.TOO_MANY_ITEMS if is_too_large else None

    def apply_batch(self, batch: BatchFetched) -> None:
        """Apply an answer about the batch itself."""
        self._apply_job(batch.job)
        self.asked_monotonic, self.answered_at = batch.asked_monotonic, batch.answered_at
        if batch.results is not None:
            self.results = self._apply_results(batch.results, batch.results_unreadable)
        elif not self.is_done and self.results is not Results.NONE:
            self.results = Results.PROVISIONAL
        if batch.job.status is JobStatus.CANCELLED:
            self.files.cancel_unmapped()

    def is_last_refresh(self, now: float, limits: CountLimits) -> bool:
        """Return whether ``end_refresh`` gives up if this refresh shows no change."""
        moves, limit_seconds = self._all_moves, limits.give_up_after_seconds
        return self.is_done and self._stillness.would_reach_limit(moves, now, limit_seconds)

    def end_refresh(self, now: float, limits: CountLimits) -> bool:
        """Record the end of a refresh, and return whether the batch is over.

        A batch is over once LlamaCloud is done with it, all its files have ended, and its results
        are confirmed. If nothing changes for long, waiting stops. Then a batch is also over whose
        files cannot be counted, or whose results cannot be confirmed, and files whose end cannot be
        found are given up. If only that ends the batch, its results are read a last time, and
        waiting starts again. ``now`` is a monotonic moment.
        """
        is_countable, had_ended = self.uncounted_reason(limits) is None, self.all_ended
        moves, limit_seconds = self._all_moves, limits.give_up_after_seconds
        is_still = self._stillness.refreshed(moves, now, limit_seconds)
        if is_countable and self.results is Results.CONFIRMED:
            return True
        if not is_still or not self.is_done:
            return False
        self._give_up_files()
        if self.all_ended and not had_ended:
            self._moves += 1
        return had_ended or not is_countable

    @property
    def _all_moves(self) -> int:
        return self._moves + self.files.moves

    def _give_up_files(self) -> None:
        for entry in self.files.entries.values():
            is_known = entry.has_reference and entry.status is not ItemStatus.UNKNOWN
            if entry.has_ended or is_known:
                continue
            is_new_status = entry.has_new_status
            if is_new_status and self._stillness.seconds < _NEW_STATUS_GIVEN_UP_AFTER_SECONDS:
                continue
            entry.status, entry.is_given_up = ItemStatus.UNKNOWN, True

    def _apply_job(self, job: Job) -> None:
        self._moves += job.status is not self._status
        self._status, self.is_mapped = job.status, job.is_mapped
        self._runs_again |= self.is_done and not job.is_done
        self.is_done = job.is_done
        self.files.created_at = job.created_at
        self.files.newest_at = latest(self.files.newest_at, job.created_at)

    def _apply_results(self, results: Mapping[str, Result], unreadable: int) -> Results:
        """Apply results, and return how far they are known."""
        had_ended, moves = self.all_ended, self.files.moves
        # Results may be incomplete: entries that they lack are kept unchanged.
        keeps_missing = self.is_done and not self._runs_again
        are_complete = self.files.apply_results(results, keeps_missing=keeps_missing)
        self.results_unreadable, self._runs_again = unreadable, False
        if not self.is_done or not are_complete or unreadable:
            return Results.PROVISIONAL
        is_confirmed = had_ended and moves == self.files.moves
        return Results.CONFIRMED if is_confirmed else Results.COMPLETE
