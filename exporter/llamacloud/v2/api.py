"""The operations of ``BatchApi`` by the batches API of generation v2."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from exporter.domain import (
    ItemCounts,
    ItemsCounted,
    ItemStatus,
    JobRefreshed,
    NotCounted,
    NothingToCount,
    UncountedReason,
    latest,
)
from exporter.domain.ids import bare_id
from exporter.llamacloud.errors import BadResponse, NotFound
from exporter.llamacloud.refusals import job_missing, job_not_found
from exporter.llamacloud.v2.endpoints import V2Endpoint
from exporter.llamacloud.v2.file_job_refresh import refresh_file_jobs
from exporter.llamacloud.v2.listing import list_jobs
from exporter.llamacloud.v2.memory import BatchMemory
from exporter.llamacloud.v2.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import CountLimits, Job, Listing, ListingPlan, Memory
    from exporter.llamacloud.api import CountAnswer, StatusAnswer
    from exporter.llamacloud.client import Client
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Endpoint
    from exporter.llamacloud.v2.batch_files import Files


class V2Api:
    """Reads the batches of one project; ``project`` is its name in the log.

    A batch's memory is changed in place, so that a failed operation keeps what it read.
    """

    endpoints: ClassVar[type[Endpoint]] = V2Endpoint

    def __init__(
        self,
        client: Client,
        *,
        project: str | None = None,
        project_id: str | None = None,
        organization_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        wanted = {"project_id": project_id, "organization_id": organization_id}
        # Queries accept only UUIDs, which LlamaCloud shows with a prefix.
        scope = {name: bare_id(value) for name, value in wanted.items() if value}
        self._reader = Reader(client, scope, project=project, clock=clock)
        self._clock = clock

    async def list_jobs(self, plan: ListingPlan, permit: Permit | None = None) -> Listing:
        """List the batches of the project that the plan selects, each once."""
        return await list_jobs(self._reader.using(permit), plan)

    async def job_status(
        self, job: Job, memory: Memory, permit: Permit | None = None
    ) -> tuple[StatusAnswer, Memory]:
        """Fetch one batch, with its results while they may change."""
        known = memory if isinstance(memory, BatchMemory) else BatchMemory()
        try:
            batch = await self._reader.using(permit).batch(job.id, with_results=known.wants_results)
        except NotFound as error:
            return job_not_found(job.id, error), memory
        known.apply_batch(batch)
        return JobRefreshed(batch.job, None, batch.asked_monotonic, batch.answered_at), known

    async def count_items(
        self, job: Job, memory: Memory, limits: CountLimits, permit: Permit | None = None
    ) -> tuple[CountAnswer, Memory]:
        """Count the files of one batch by the status of their file jobs, or return why not.

        File jobs that have ended are not requested again.

        Raises:
            BadResponse: an entry of the batch has no usable id, or a page could not be read.
            LlamaCloudError: file jobs could not be fetched; the memory keeps what came before.
        """
        known = memory if isinstance(memory, BatchMemory) else BatchMemory()
        now, reason = self._clock(), known.uncounted_reason(limits)
        if reason is not None:
            is_over = known.end_refresh(now, limits)
            return _not_counted(job.id, known, reason, is_over=is_over), known
        is_last = known.is_last_refresh(now, limits)
        try:
            reader = self._reader.using(permit)
            asked_monotonic, answered_at = await refresh_file_jobs(
                reader, known, now, is_last=is_last
            )
        except NotFound as error:
            raise job_missing(error) from error
        is_over = known.end_refresh(now, limits)
        return _counted(job.id, known.files, asked_monotonic, answered_at, is_over=is_over), known


def _not_counted(
    job_id: str, memory: BatchMemory, reason: UncountedReason, *, is_over: bool
) -> NothingToCount | NotCounted:
    asked_monotonic, number = memory.asked_monotonic, memory.results_unreadable
    if reason is UncountedReason.NO_RESULTS and not (is_over and memory.is_mapped):
        return NothingToCount(job_id, asked_monotonic, is_over=is_over)
    if reason is UncountedReason.UNREADABLE_ITEMS and not is_over:
        raise BadResponse(f"results: {number} without a usable id, so that none can be counted")
    return NotCounted(job_id, asked_monotonic, reason, is_over=is_over)


def _counted(
    job_id: str, files: Files, asked_monotonic: float, answered_at: float, *, is_over: bool
) -> ItemsCounted:
    entries = files.one_by_file()
    by_status = Counter(entry.status for entry in entries)
    reasons = (entry.failure_reason for entry in entries)
    counts = ItemCounts(
        by_status={status: by_status[status] for status in ItemStatus},
        newest_at=files.newest_at,
        failed=files.failed,
        failure_reasons=dict(Counter(reason for reason in reasons if reason is not None)),
    )
    ended = tuple(entry.ended() for entry in entries if entry.has_ended)
    ended_at = latest(*(item.ended_at for item in ended))
    return ItemsCounted(job_id, counts, asked_monotonic, answered_at, is_over, ended_at, ended)
