"""The final state of an ended job, and the requests that it still needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from exporter.domain import JobStatus

if TYPE_CHECKING:
    from exporter.domain import Job

# A final status and its time of completion.
End: TypeAlias = tuple[JobStatus, float | None]

# Items may end a little later than their job: it is counted again after one interval, then two,
# four and eight.
_MOST_FINAL_COUNTS = 5
# Refreshes follow listings, which are due at whole intervals.
EARLY_BY_INTERVALS = 0.5
# Jobs that are not expected to change are requested every quarter of an hour.
LONGEST_WAIT_SECONDS = 900.0
_JUST_ENDED_SECONDS = 900.0
_MOST_ENDS = 5
# Enough doublings for every interval that can be set.
MOST_DOUBLINGS = 10
_SAME_END_WITHIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FinalState:
    """The end of one job.

    The retention runs from ``ended_monotonic``. ``asked_monotonic`` is the time of the request that
    first showed the end: answers to earlier requests are not final. ``ends_seen`` are the final
    statuses and completion times reported since the job was active. Items are not counted before
    ``next_count_monotonic``. Nothing is requested before ``retry_monotonic``, which is set after
    ``failures`` in a row.
    """

    ended_monotonic: float
    asked_monotonic: float
    ends_seen: frozenset[End]
    ended_before_first_sight: bool = False
    status_known: bool = False
    items_known: bool = False
    times_counted: int = 0
    next_count_monotonic: float = float("-inf")
    failures: int = 0
    retry_monotonic: float = float("-inf")

    def is_complete(self, *, items_enabled: bool) -> bool:
        """Return whether nothing remains to be requested."""
        return self.status_known and (self.items_known or not items_enabled)

    def is_recent(self, now: float) -> bool:
        """Return whether the job ended lately: then it is refreshed like an active one."""
        age_seconds = now - self.ended_monotonic
        return not self.ended_before_first_sight and age_seconds <= _JUST_ENDED_SECONDS

    def record_changed(self, job: Job) -> FinalState:
        """Apply a different record of the same end: status and items are requested again."""
        counted_enough = self.times_counted >= _MOST_FINAL_COUNTS
        return replace(
            self,
            ends_seen=with_date(self.ends_seen, job),
            status_known=False,
            items_known=self.items_known and counted_enough,
            next_count_monotonic=float("-inf"),
        )

    def status_answered(self, asked_monotonic: float) -> FinalState:
        """Apply a status, which is final if it was requested after the end."""
        final = asked_monotonic >= self.asked_monotonic
        return replace(self.recovered(), status_known=self.status_known or final)

    def counted(
        self, asked_monotonic: float, now: float, *, settled: bool, interval: float
    ) -> FinalState:
        """Apply a count, which is the last one if all items are ``settled``."""
        if asked_monotonic < self.asked_monotonic:
            return self
        intervals = 2**self.times_counted - EARLY_BY_INTERVALS
        times_counted = self.times_counted + 1
        tried_anew = self.recovered() if self.status_known else self
        return replace(
            tried_anew,
            times_counted=times_counted,
            next_count_monotonic=now + intervals * interval,
            items_known=self.items_known or settled or times_counted >= _MOST_FINAL_COUNTS,
        )

    def refresh_failed(self, now: float, interval: float) -> FinalState:
        """Apply a failure: the next try is after one interval, then two, four and so on."""
        seconds = min(2**self.failures * interval, LONGEST_WAIT_SECONDS)
        retry = now + seconds - EARLY_BY_INTERVALS * interval
        failures = min(self.failures + 1, MOST_DOUBLINGS)
        return replace(self, failures=failures, retry_monotonic=retry)

    def recovered(self) -> FinalState:
        """Apply a success after failures."""
        return replace(self, failures=0, retry_monotonic=float("-inf"))

    def finalised(self) -> FinalState:
        """Make the known state final: LlamaCloud has no newer state of the job."""
        return replace(self, status_known=True, items_known=True)


def has_ended_again(ends: frozenset[End], job: Job) -> bool:
    """Return whether a job with these ends has ended once more."""
    # Without a limit, contradicting answers would end a job repeatedly.
    if not 0 < len(ends) < _MOST_ENDS:
        return False
    return all(_differ(end, _end_of(job)) for end in ends)


def with_end(ends: frozenset[End], job: Job) -> frozenset[End]:
    """Return the ends with that of ``job``."""
    return ends | {_end_of(job)}


def with_date(ends: frozenset[End], job: Job) -> frozenset[End]:
    """Return the ends, with the date of ``job`` added to its end if that had none."""
    undated: End = (job.status, None)
    if job.completed_at is None or undated not in ends:
        return ends
    return with_end(ends - {undated}, job)


def _end_of(job: Job) -> End:
    return job.status, job.completed_at


def _differ(one: End, other: End) -> bool:
    (status, completed_at), (other_status, other_at) = one, other
    if status is not other_status:
        return True
    if completed_at is None or other_at is None:
        return False
    return abs(completed_at - other_at) > _SAME_END_WITHIN_SECONDS
