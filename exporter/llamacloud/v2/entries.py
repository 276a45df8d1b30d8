"""The entries of a batch's results: one for each file, with the state of its file job."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    NOT_MAPPED_FAILURE_REASON,
    EndedItem,
    ItemStatus,
    latest,
)
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.times import CLOCKS_DIFFER_BY_SECONDS
from exporter.llamacloud.v2.batches import FILE_JOB_LISTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.batches import FileJob
    from exporter.llamacloud.v2.models import ResultRow

_ENDED = frozenset(ENDED_ITEM_STATUSES)
# As for other jobs that do not change. An answer that is too large costs megabytes each time.
_LONGEST_WAIT_SECONDS = 900.0
# Less than the whole wait, as refreshes are not exactly periodic.
_MOST_OF_A_WAIT = 0.9
# Separates a file's id, which has no control characters, from a number.
_AGAIN = "\n"


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
    endpoint: Endpoint | None = None
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

    def refuse(self, now: float) -> None:
        """Note that the request for its file job failed."""
        self.refused_since = now if self.refused_since is None else self.refused_since
        self.refused_at = now

    def is_due(self, now: float) -> bool:
        """Return whether to request a refused file job again: each wait is twice as long."""
        if self.refused_since is None or self.refused_at is None:
            return True
        waits_seconds = min(
            _MOST_OF_A_WAIT * (self.refused_at - self.refused_since), _LONGEST_WAIT_SECONDS
        )
        return now - self.refused_at >= waits_seconds

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


class Result(NamedTuple):
    """A new entry from the results of a batch; ``message`` is why it has no file job."""

    entry: BatchEntry
    message: str | None


def results_of(rows: Sequence[ResultRow], known_values: KnownValues) -> dict[str, Result]:
    """Return results by the ids of their files; further rows of a file have longer keys.

    A row with neither a file job nor a message is ignored if the file has another row.
    """
    by_file: dict[str, list[ResultRow]] = defaultdict(list)
    for row in rows:
        by_file[row.source_directory_file_id].append(row)
    results = {}
    for file_id, of_file in by_file.items():
        informative = [row for row in of_file if row.job_reference or row.error_message]
        if len(informative) > 1:
            # Rows have no documented order: sorted, they have the same keys each time.
            informative = sorted(set(informative), key=repr)
        for number, row in enumerate(informative or of_file[:1]):
            key = f"{file_id}{_AGAIN}{number}" if number else file_id
            results[key] = Result(_entry_of(row, known_values), row.error_message)
    return results


def _entry_of(row: ResultRow, known_values: KnownValues) -> BatchEntry:
    file_id, reference = row.source_directory_file_id, row.job_reference
    if reference is not None:
        # Without an id, or a list of its type, the status of the job is unknown.
        is_known = reference.id is not None
        endpoint = known_values.read(FILE_JOB_LISTS, reference.type) if is_known else None
        return BatchEntry(
            file_id=file_id,
            has_reference=True,
            endpoint=endpoint,
            file_job_id=reference.id,
            status=ItemStatus.UNKNOWN if endpoint is None else ItemStatus.PENDING,
        )
    if row.error_message:
        reason = NOT_MAPPED_FAILURE_REASON
        return BatchEntry(file_id=file_id, status=ItemStatus.FAILED, failure_reason=reason)
    return BatchEntry(file_id=file_id)


def by_file(entries: Mapping[str, BatchEntry]) -> Mapping[str, BatchEntry]:
    """Return one entry for each file: a failed one, else one that has not ended, else any."""
    shown: dict[str, BatchEntry] = {}
    for entry in entries.values():
        shown[entry.file_id] = max(shown.get(entry.file_id, entry), entry, key=_weight)
    return shown


def _weight(entry: BatchEntry) -> int:
    return 2 if entry.status is ItemStatus.FAILED else int(not entry.has_ended)
