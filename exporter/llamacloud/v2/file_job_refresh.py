"""Requesting the file jobs of a batch that have not ended, as many at a time as works."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from exporter.llamacloud.errors import BodyTooLarge, LlamaCloudError, NotFound, StatusRefused
from exporter.llamacloud.v2.endpoints import V2Endpoint
from exporter.llamacloud.v2.file_job_list import FileJobList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.llamacloud.v2.batch_files import BatchEntry
    from exporter.llamacloud.v2.ids_at_a_time import IdsAtATime
    from exporter.llamacloud.v2.memory import BatchMemory
    from exporter.llamacloud.v2.reader import Reader

_ENDPOINTS = (V2Endpoint.LIST_PARSE_JOBS, V2Endpoint.LIST_EXTRACT_JOBS)
# Possible answers to too many ids, to an unknown id, or to any request: they are not documented.
_REFUSED_WITH = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
# As for other jobs that do not change. An answer that is too large costs megabytes each time.
_LONGEST_WAIT_SECONDS = 900.0
# Less than the whole wait, as refreshes are not exactly periodic.
_MOST_OF_A_WAIT = 0.9
# If the first requests for single file jobs all fail, the cause is the list, not the file jobs.
_FAILURES_BEFORE_ANY_ANSWER = 2
_MOST_PROBES = 2


async def refresh_file_jobs(
    reader: Reader, memory: BatchMemory, now: float, *, is_last: bool
) -> tuple[float, float]:
    """Request all file jobs of a batch that have not ended, and apply them to its memory.

    A file job whose own request was refused is requested less and less often, but always if this
    refresh ``is_last``, before file jobs are given up. ``now`` is a monotonic moment. Return the
    monotonic moment of the first request and the Unix time of the last answer; if no file job was
    requested, those of the batch itself.

    Raises:
        LlamaCloudError: some could not be fetched; what came before is applied.
    """
    asked_monotonic, answered_at, is_first = memory.asked_monotonic, memory.answered_at, True
    for endpoint in _ENDPOINTS:
        file_jobs = FileJobList(reader, memory.files, endpoint)
        await _Refresh(file_jobs, memory, reader.ids_at_a_time).run(now, is_last=is_last)
        if file_jobs.asked_monotonic is not None:
            asked_monotonic = file_jobs.asked_monotonic if is_first else asked_monotonic
            answered_at, is_first = file_jobs.answered_at, False
    return asked_monotonic, answered_at


class _Refresh:
    """Requests file jobs of one list, and finds out whether single file jobs make it fail."""

    def __init__(self, file_jobs: FileJobList, memory: BatchMemory, sizes: IdsAtATime) -> None:
        self._list = file_jobs
        self._memory = memory
        self._sizes = sizes
        self._failures: dict[str, LlamaCloudError] = {}

    async def run(self, now: float, *, is_last: bool) -> None:
        entries = self._memory.files.entries
        of_each = {job_id: entries[files[0]] for job_id, files in self._list.file_ids.items()}
        refused = {i: entry for i, entry in of_each.items() if entry.refused_at is not None}
        try:
            await self._request_all([i for i in of_each if i not in refused])
            # One at a time: a request for several would be split into halves again.
            for job_id, entry in refused.items():
                if is_last or _is_due(entry, now):
                    await self._request([job_id], is_known_refused=True)
            others = [error for error in self._failures.values() if not _is_too_large(error)]
            if others:
                await self._check_that_it_answers([], others[-1])
        finally:
            for job_id, error in self._failures.items():
                if self._list.has_answered or _is_too_large(error):
                    self._memory.files.apply_refused(self._list.files_of([job_id]), now)

    async def _request_all(self, ids: Sequence[str]) -> None:
        while ids:
            size, failures = self._sizes.of(self._list.endpoint), len(self._failures)
            worked = await self._request(ids[:size])
            # If a single file job fails, the number of ids is not the cause.
            if 0 < worked < len(ids[:size]) and failures == len(self._failures):
                self._sizes.fewer_work(self._list.endpoint, worked)
            ids = ids[size:]

    async def _request(self, ids: Sequence[str], *, is_known_refused: bool = False) -> int:
        """Request file jobs, and halves of them if the answer is too large, refused or cut off.

        Return the largest number of ids that worked in one request.
        """
        try:
            await self._list.read(ids)
        except LlamaCloudError as error:
            if not _may_be_of_one(error):
                raise
            if _is_refused(error):
                await self._check_that_it_answers(ids, error)
            if len(ids) == 1:
                self._failures[ids[0]] = error
                is_many = len(self._failures) >= _FAILURES_BEFORE_ANY_ANSWER
                if is_many and not self._list.has_answered and not is_known_refused:
                    raise
                return 0
        else:
            return len(ids)
        half = len(ids) // 2
        first = await self._request(ids[:half])
        return max(first, await self._request(ids[half:]))

    async def _check_that_it_answers(self, ids: Sequence[str], error: LlamaCloudError) -> None:
        """Raise the error if requests for other, single file jobs fail too.

        Then the list is the cause, and no file job is given up. Each call tries other file jobs.
        """
        for job_id in self._probes(ids):
            if self._list.has_answered:
                return
            try:
                await self._list.read([job_id])
            except LlamaCloudError as other:
                if not _may_be_of_one(other):
                    raise
        if not self._list.has_answered:
            self._memory.times_unanswered += 1
            raise error

    def _probes(self, ids: Sequence[str]) -> list[str]:
        others = ids if len(ids) > 1 else ()
        turn, half = self._memory.times_unanswered, len(others) // 2
        pools = (self._list.ended_ids, others[:half], others[half:])
        return [pool[turn % len(pool)] for pool in pools if pool][:_MOST_PROBES]


def _is_due(entry: BatchEntry, now: float) -> bool:
    """Return whether to request a refused file job again: each wait is twice as long."""
    if entry.refused_since is None or entry.refused_at is None:
        return True
    waits_seconds = min(
        _MOST_OF_A_WAIT * (entry.refused_at - entry.refused_since), _LONGEST_WAIT_SECONDS
    )
    return now - entry.refused_at >= waits_seconds


def _is_refused(error: LlamaCloudError) -> bool:
    if isinstance(error, NotFound):
        return error.from_api
    return isinstance(error, StatusRefused) and error.code in _REFUSED_WITH


def _is_too_large(error: LlamaCloudError) -> bool:
    """Return whether the answer is too large."""
    if isinstance(error, StatusRefused):
        return error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return isinstance(error, BodyTooLarge)


def _may_be_of_one(error: LlamaCloudError) -> bool:
    """Return whether one of the file jobs may be the cause of an error."""
    return error.is_of_body or _is_refused(error) or _is_too_large(error)
