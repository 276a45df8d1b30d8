"""What must be published for a v2 batch, from its status and its files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from exporter.simulator import SimulatedFile
from tests.soak.history import ENDED_ITEM_STATUSES, REASON_OF_MESSAGE, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.simulator import SimulatedFileJob

_STATUSES: Final = {
    "PENDING": "pending",
    "THROTTLED": "throttled",
    "RUNNING": "running",
    "COMPLETED": "dispatched",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}
# It is newer than the exporter.
UNKNOWN_STATUS: Final = "QUEUED"
ALL_STATUSES: Final = frozenset({*_STATUSES, UNKNOWN_STATUS})
# LlamaCloud maps no more files then.
_DONE: Final = ("COMPLETED", "FAILED", "CANCELLED")
_ITEM_STATUSES: Final = {
    "PENDING": "pending",
    "THROTTLED": "pending",
    "RUNNING": "processing",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}


@dataclass(slots=True)
class BatchFile:
    """One file: its job, or why it has none; ``reference`` leads to a job that is listed nowhere.

    ``fate`` is the later outcome of its job.
    """

    id: str
    fate: str
    job: SimulatedFileJob | None = None
    mapping_error: str | None = None
    reference: dict[str, str] | None = None
    times_mapped: int = 0

    @property
    def is_unmapped(self) -> bool:
        """Whether it has neither a job nor an error."""
        return self.job is None and self.reference is None and self.mapping_error is None

    @property
    def reason(self) -> str | None:
        """The reason that is published if it failed."""
        if self.job is None:
            return None if self.mapping_error is None else "not_mapped"
        return REASON_OF_MESSAGE[self.job.error_message] if self.job.status == "FAILED" else None

    @property
    def ended_at(self) -> float | None:
        """When its job ended, or ``None``."""
        has_ended = self.job is not None and self.job.status in _DONE
        return self.job.updated_at if has_ended and self.job is not None else None

    def status(self, of_batch: str) -> str:
        """Return its published status, given LlamaCloud's status of its batch."""
        if self.job is not None:
            return _ITEM_STATUSES.get(self.job.status, "unknown")
        if self.reference is not None:
            return "unknown"
        if self.mapping_error is not None:
            return "failed"
        return "cancelled" if of_batch == "CANCELLED" else "pending"

    def outcome_is_shown(self, of_batch: str) -> bool:
        """Return whether an answer shows, or will show, how the file ends."""
        if self.reference is not None:
            return False
        return not self.is_unmapped or of_batch == "CANCELLED"

    def simulated(self) -> SimulatedFile:
        """Return the simulator's form of the file."""
        reference: dict[str, Any] = {"job_reference": self.reference} if self.reference else {}
        return SimulatedFile(self.id, self.job, self.mapping_error, overrides=reference)


def state_of(
    status: str,
    files: Sequence[BatchFile],
    *,
    has_results: bool,
    created_at: float,
    updated_at: float,
    is_of_before: Callable[[BatchFile], bool],
) -> State:
    """Return what must be published for a batch in one of LlamaCloud's statuses.

    ``has_results`` is true if its results are known. Files ``is_of_before`` add nothing. A batch
    that failed or was cancelled has no end until its last file has one.
    """
    files = files if has_results else []
    ends = [file.ended_at for file in files if file.ended_at is not None]
    jobs_created = [file.job.created_at or 0.0 for file in files if file.job is not None]
    reasons = [(file, file.reason) for file in files if file.reason is not None]
    before = list(filter(is_of_before, files))
    ended_at = max(created_at, max(ends, default=updated_at))
    state = State(
        put_at=0.0,
        put_by=0.0,
        status=_STATUSES.get(status, "unknown"),
        started_at=None,
        completed_at=None,
        by_status=Counter(file.status(status) for file in files),
        skip_reasons={},
        failure_reasons=Counter(reason for _, reason in reasons),
        newest_time=max([created_at, *jobs_created, *ends]),
        newest_time_of_job=created_at,
        failed_ids=frozenset(file.id for file, _ in reasons),
        has_results=has_results,
        of_before=Counter(file.status(status) for file in before),
        reasons_of_before=Counter(file.reason for file in before if file.reason is not None),
    )
    unresolved = [file for file in files if not file.outcome_is_shown(status)]
    waits = [file for file in files if file.status(status) not in ENDED_ITEM_STATUSES]
    if status not in _DONE:
        return state
    if has_results and not waits:
        return _with_end(state, ended_at)
    if has_results and not unresolved:
        return state
    is_last = len(waits) == len(unresolved)
    later = _given_up(state, unresolved)
    return replace(state, later=_with_end(later, ended_at) if is_last else later)


def _given_up(state: State, unresolved: Sequence[BatchFile]) -> State:
    """Return what is published once the exporter no longer waits for missing outcomes."""
    unmapped = sum(file.is_unmapped for file in unresolved)
    by_status = Counter(state.by_status)
    by_status.subtract({"pending": unmapped, "unknown": -unmapped})
    return replace(state, by_status=+by_status, items_given_up=len(unresolved))


def _with_end(state: State, ended_at: float) -> State:
    """Return the state of a batch that has ended with its last file."""
    status = "completed" if state.status == "dispatched" else state.status
    return replace(state, status=status, completed_at=ended_at)
