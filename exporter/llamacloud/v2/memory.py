"""What is kept of one batch between its answers, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import JobStatus, latest
from exporter.llamacloud.v2.files import Files

if TYPE_CHECKING:
    from exporter.domain import Job
    from exporter.llamacloud.v2.reader import BatchFetched

_LOOKS_BEFORE_GIVING_UP = 3
# Nobody looked meanwhile, as while LlamaCloud cannot be reached: what happened then is not known.
# A small budget brings a look every fifteen minutes, and is not to wait for hours.
_MOST_OF_THE_LIMIT_BETWEEN_LOOKS = 0.5


@dataclass(slots=True, eq=False)
class Stillness:
    """Looks at a batch, each with the number of moves in it until then, at a monotonic moment.

    ``still_seconds`` is for how long nothing had moved at the last one.
    """

    still_seconds: float = 0.0
    _moves: int = -1
    _looks: int = 0
    _still_since: float = 0.0
    _looked_at: float = 0.0
    _watched_seconds: float = 0.0

    def look(self, moves: int, now: float, give_up_after_seconds: float) -> bool:
        """Note that all was asked that there is to ask; tell whether to wait no longer.

        That is so after at least three looks over ``give_up_after_seconds`` in which nothing moved.
        Of the time between two looks half of that counts at most.
        """
        is_over = self.would_be_over(moves, now, give_up_after_seconds)
        watched_seconds = self._watched_until(now, give_up_after_seconds)
        if moves != self._moves:
            self._moves, self._looks, self._still_since, watched_seconds = moves, 0, now, 0.0
        self._looks += 1
        self._looked_at, self._watched_seconds = now, watched_seconds
        self.still_seconds = now - self._still_since
        return is_over

    def would_be_over(self, moves: int, now: float, give_up_after_seconds: float) -> bool:
        """Tell whether a look at this moment would be the last one."""
        if moves != self._moves or self._looks + 1 < _LOOKS_BEFORE_GIVING_UP:
            return False
        return self._watched_until(now, give_up_after_seconds) >= give_up_after_seconds

    def _watched_until(self, now: float, give_up_after_seconds: float) -> float:
        most_seconds = _MOST_OF_THE_LIMIT_BETWEEN_LOOKS * give_up_after_seconds
        return self._watched_seconds + min(now - self._looked_at, most_seconds)


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
        """Whether the batch is to be asked for with its results."""
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
        are_whole = self._apply_results(batch)
        if batch.job.status is JobStatus.CANCELLED:
            self.files.cancel_unmapped()
        if not self.is_done:
            self.are_final_results = self.are_confirmed = False
        # Results that are null, or fewer than they were, confirm nothing.
        elif batch.results is not None:
            self.are_final_results = are_whole
            self.are_confirmed = are_whole and had_ended and moves == self.files.moves

    def look(self, now: float, give_up_after_seconds: float) -> bool:
        """Note that all was asked that there is to ask; tell whether to wait no longer.

        LlamaCloud is done with the batch then, and nothing of it moved for long. Files are given up
        whose end nothing tells; should that end the batch, it is waited for anew until the results
        were read for the last time. ``now`` is a monotonic moment.
        """
        had_ended = self.all_ended
        moves = self._moves + self.files.moves
        if not self._stillness.look(moves, now, give_up_after_seconds) or not self.is_done:
            return False
        self.files.give_up(self._stillness.still_seconds)
        if self.all_ended and not had_ended:
            self._moves += 1
        return True

    def would_give_up(self, now: float, give_up_after_seconds: float) -> bool:
        """Tell whether a look at this moment would give up, if nothing moves until then."""
        moves = self._moves + self.files.moves
        return self.is_done and self._stillness.would_be_over(moves, now, give_up_after_seconds)

    def _apply_job(self, job: Job) -> None:
        self._moves += job.status is not self._status
        self._status, self.is_mapped = job.status, job.is_mapped
        is_done = job.is_mapped or not job.active
        self._runs_again |= self.is_done and not is_done
        self.is_done = is_done
        self.files.created_at = job.created_at
        self.files.newest_at = latest(self.files.newest_at, job.created_at)

    def _apply_results(self, batch: BatchFetched) -> bool:
        """Apply results if there are any; tell whether they seem whole."""
        if batch.results is None:
            return False
        # A list may not be whole yet. What it lacks is followed on, as where there is no list.
        keeps_missing = self.is_done and not self._runs_again
        are_whole = self.files.apply_results(batch.results, keeps_missing=keeps_missing)
        self.has_results, self._runs_again = True, False
        self.results_unread = batch.results_unread
        return are_whole and not batch.results_unread
