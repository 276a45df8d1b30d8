"""The files of one batch: what is kept of each, and how each fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    NOT_MAPPED_FAILURE_REASON,
    EndedItem,
    ItemStatus,
)
from exporter.llamacloud.belief import CLOCKS_DIFFER_BY_SECONDS, believed_times
from exporter.llamacloud.failure_reasons import failure_reason
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v2.batches import FILE_JOB_LISTS, ITEM_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.known_values import KnownValues
    from exporter.llamacloud.v2.models import FileJobRow, ResultRow

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
    listed nowhere. ``is_word_unknown`` tells a status that is newer than this exporter.
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
    is_word_unknown: bool = False
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

    def is_worth_asking(self, now: float) -> bool:
        """Tell whether to ask anew for a file job that was refused: each wait is twice as long."""
        if self.refused_since is None or self.refused_at is None:
            return True
        waits_seconds = min(
            _MOST_OF_A_WAIT * (self.refused_at - self.refused_since), _LONGEST_WAIT_SECONDS
        )
        return now - self.refused_at >= waits_seconds

    def is_of(self, other: Entry) -> bool:
        """Tell whether another entry of the same file says the same of its job."""
        if self.has_reference or other.has_reference:
            return (self.endpoint, self.file_job_id) == (other.endpoint, other.file_job_id)
        return self.failure_reason == other.failure_reason

    def ended(self) -> EndedItem:
        """Describe its end."""
        return EndedItem(self.status, self.failure_reason, self.ended_at, self.was_seen_active)


def entry_of(row: ResultRow, known_values: KnownValues) -> Entry:
    """Return the entry of a result, before anything is known of its file job."""
    reference = row.job_reference
    if reference is not None:
        # Without an id, or a list to look it up in, nothing tells how it fares.
        known = reference.id is not None
        endpoint = known_values.read(FILE_JOB_LISTS, reference.type) if known else None
        status = ItemStatus.UNKNOWN if endpoint is None else ItemStatus.PENDING
        return Entry(has_reference=True, endpoint=endpoint, file_job_id=reference.id, status=status)
    if row.error_message:
        return Entry(status=ItemStatus.FAILED, failure_reason=NOT_MAPPED_FAILURE_REASON)
    return Entry()


def results_by_key(results: Sequence[ResultRow]) -> dict[str, ResultRow]:
    """Return results by the ids of their files; what else is said of a file has another key."""
    rows = {row.source_directory_file_id: row for row in results}
    if len(rows) == len(results):
        return rows
    by_file: dict[str, dict[str, ResultRow]] = {file_id: {} for file_id in rows}
    for row in results:
        # What says nothing of a file hides nothing that is said of it.
        text = repr(row) if row.job_reference or row.error_message else ""
        by_file[row.source_directory_file_id][text] = row
    keyed = {}
    for file_id, said in by_file.items():
        # No order is promised: the same ones have the same keys each time.
        texts = sorted(filter(None, said)) or [""]
        for number, text in enumerate(texts):
            keyed[f"{file_id}{_AGAIN}{number}" if number else file_id] = said[text]
    return keyed


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


def apply_file_job(
    entry: Entry,
    row: FileJobRow,
    known_values: KnownValues,
    *,
    created_at: float | None,
    answered_at: float,
) -> float | None:
    """Apply the row of its file job to an entry; return the newest time that tells of progress.

    ``created_at`` is the Unix time of the batch's creation: an end before it, beyond what clocks
    differ by, is no end time.
    """
    times = believed_times(answered_at, created=row.created_at, updated=row.updated_at)
    entry.refused_since = entry.refused_at = None
    entry.status = status = known_values.read(ITEM_STATUSES, row.status)
    entry.is_word_unknown = status is ItemStatus.UNKNOWN and row.status is not None
    # A list that moves may tell of a file job twice: what an earlier row said is gone.
    is_failed = status is ItemStatus.FAILED
    entry.failure_reason = failure_reason(row.error_message) if is_failed else None
    entry.ended_at = None
    if status not in _ENDED:
        entry.was_seen_active |= status is not ItemStatus.UNKNOWN
        return times.created_at
    ended_at = times.updated_at
    if ended_at is not None and ended_at >= (created_at or 0.0) - CLOCKS_DIFFER_BY_SECONDS:
        entry.ended_at = max(ended_at, created_at or 0.0)
    return max(filter(None, (times.created_at, entry.ended_at)), default=None)
