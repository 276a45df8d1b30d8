"""The files of one batch: what is kept of each, and how each fares."""

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
from exporter.llamacloud.belief import CLOCKS_DIFFER_BY_SECONDS
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v2.batches import FILE_JOB_LISTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.batches import FileJob
    from exporter.llamacloud.v2.models import ResultRow

_ENDED = frozenset(ENDED_ITEM_STATUSES)
# As of all that has nothing new to expect. An answer that is too large costs megabytes each time.
_LONGEST_WAIT_SECONDS = 900.0
# Refreshes are no clockwork.
_MOST_OF_A_WAIT = 0.9
# Between a file's id, which has no control characters, and a number.
_AGAIN = "\n"


# There are up to 200,000 of them, and none refers to another.
class Entry(Struct, gc=False, kw_only=True):
    """One file of a batch, and its file job if it has one.

    ``endpoint`` lists the file job; it is ``None`` where there is none, and where its type is
    listed nowhere. ``has_new_status`` tells a status that is newer than this exporter.
    ``refused_since`` and ``refused_at`` are the first and the last monotonic moment at which its
    file job alone could not be had while others could.
    """

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
        """Whether nothing more is to be learnt of it."""
        return self.is_given_up or self.status in _ENDED

    @property
    def may_be_mapped(self) -> bool:
        """Whether LlamaCloud has told neither its file job nor why there is none."""
        return not self.has_reference and not self.has_ended

    def refuse(self, now: float) -> None:
        """Note that its file job cannot be had."""
        self.refused_since = now if self.refused_since is None else self.refused_since
        self.refused_at = now

    def is_due(self, now: float) -> bool:
        """Tell whether to ask anew for a file job that was refused: each wait is twice as long."""
        if self.refused_since is None or self.refused_at is None:
            return True
        waits_seconds = min(
            _MOST_OF_A_WAIT * (self.refused_at - self.refused_since), _LONGEST_WAIT_SECONDS
        )
        return now - self.refused_at >= waits_seconds

    def apply(self, file_job: FileJob, batch_created_at: float | None) -> float | None:
        """Apply what is known of the file job; return the newest time that shows progress.

        An end before the batch was created, beyond what clocks differ by, is no end time.
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

    def is_same_as(self, other: Entry) -> bool:
        """Tell whether another entry of the same file has the same file job, or lacks it alike."""
        if self.has_reference or other.has_reference:
            return (self.endpoint, self.file_job_id) == (other.endpoint, other.file_job_id)
        return self.failure_reason == other.failure_reason

    def ended(self) -> EndedItem:
        """Describe its end."""
        return EndedItem(self.status, self.failure_reason, self.ended_at, self.was_seen_active)


class Result(NamedTuple):
    """What the results of a batch say of one file; ``message`` is why it has no file job."""

    entry: Entry
    message: str | None


def results_of(rows: Sequence[ResultRow], known_values: KnownValues) -> dict[str, Result]:
    """Return results by keys: the id of the file, or a longer key for what else is said of it.

    A row without a file job and a message adds nothing to another row of the same file.
    """
    by_file: dict[str, list[ResultRow]] = defaultdict(list)
    for row in dict.fromkeys(rows):
        by_file[row.source_directory_file_id].append(row)
    results = {}
    for file_id, of_file in by_file.items():
        told = [row for row in of_file if row.job_reference or row.error_message] or of_file[:1]
        if len(told) > 1:
            # No order is promised: sorted, the same rows have the same keys each time.
            told.sort(key=repr)
        for number, row in enumerate(told):
            key = f"{file_id}{_AGAIN}{number}" if number else file_id
            results[key] = Result(_entry_of(row, known_values), row.error_message)
    return results


def _entry_of(row: ResultRow, known_values: KnownValues) -> Entry:
    reference = row.job_reference
    if reference is not None:
        # Without an id, or a list of jobs of its type, nothing tells the status of its job.
        is_known = reference.id is not None
        endpoint = known_values.read(FILE_JOB_LISTS, reference.type) if is_known else None
        status = ItemStatus.UNKNOWN if endpoint is None else ItemStatus.PENDING
        return Entry(has_reference=True, endpoint=endpoint, file_job_id=reference.id, status=status)
    if row.error_message:
        return Entry(status=ItemStatus.FAILED, failure_reason=NOT_MAPPED_FAILURE_REASON)
    return Entry()


def file_id_of(key: str) -> str:
    """Return the id of the file that a key is of."""
    return key.partition(_AGAIN)[0]


def by_file(entries: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """Return one entry of each file: one that failed, else one that has not ended, else any."""
    shown: dict[str, Entry] = {}
    for key, entry in entries.items():
        file_id = file_id_of(key)
        shown[file_id] = max(shown.get(file_id, entry), entry, key=_weight)
    return shown


def _weight(entry: Entry) -> int:
    return 2 if entry.status is ItemStatus.FAILED else int(not entry.has_ended)
