"""Counting the files of a batch by the file jobs that its results refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import ItemCounts, ItemsCounted, NotCounted, NothingToCount, UncountedReason
from exporter.domain.job import latest
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v2.file_job_refresh import refresh_file_jobs

if TYPE_CHECKING:
    from exporter.domain import CountLimits
    from exporter.llamacloud.api import CountAnswer
    from exporter.llamacloud.v2.memory import BatchMemory
    from exporter.llamacloud.v2.reader import Reader

# One setting bounds both generations: a request of v1beta lists this many items.
_ENTRIES_A_REQUEST = 1000


async def count_items(
    reader: Reader, job_id: str, memory: BatchMemory, limits: CountLimits, *, now: float
) -> CountAnswer:
    """Count the files of a batch by the status of their file jobs, or return why they cannot be.

    File jobs that have ended are not requested again. ``now`` is a monotonic moment.

    Raises:
        BadResponse: an entry of the batch has no usable id, or a page could not be read.
        LlamaCloudError: file jobs could not be fetched; the memory keeps what came before.
    """
    if not memory.has_results:
        has_given_up = memory.refreshed(now, limits.give_up_after_seconds)
        if has_given_up and memory.is_mapped:
            return _uncounted(job_id, memory, UncountedReason.NO_RESULTS, is_final=True)
        return NothingToCount(job_id, memory.asked_monotonic, is_final=has_given_up)
    if number := memory.results_unreadable:
        if not memory.refreshed(now, limits.give_up_after_seconds):
            raise BadResponse(f"results: {number} without a usable id, so that none can be counted")
        return _uncounted(job_id, memory, UncountedReason.UNREADABLE_ITEMS, is_final=True)
    if len(memory.files.entries) > limits.max_requests * _ENTRIES_A_REQUEST:
        has_given_up = memory.refreshed(now, limits.give_up_after_seconds)
        return _uncounted(job_id, memory, UncountedReason.TOO_MANY_ITEMS, is_final=has_given_up)
    is_last = memory.would_give_up(now, limits.give_up_after_seconds)
    asked_monotonic, answered_at = await refresh_file_jobs(reader, memory, now, is_last=is_last)
    had_ended = memory.all_ended
    has_given_up = memory.refreshed(now, limits.give_up_after_seconds)
    is_final = memory.are_confirmed or (had_ended and has_given_up)
    ended = memory.files.ended()
    return ItemsCounted(
        job_id,
        ItemCounts(
            by_status=memory.files.by_status(),
            newest_at=memory.files.newest_at,
            failed=memory.files.failed,
            failure_reasons=memory.files.failure_reasons(),
        ),
        asked_monotonic,
        answered_at,
        is_final=is_final,
        ended_at=latest(*(item.ended_at for item in ended)),
        ended=ended,
    )


def _uncounted(
    job_id: str, memory: BatchMemory, reason: UncountedReason, *, is_final: bool
) -> NotCounted:
    return NotCounted(job_id, memory.asked_monotonic, reason, is_final=is_final)
