"""Asking for the file jobs of a batch that have not ended, as many at a time as an answer holds."""

from __future__ import annotations

from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

from exporter.domain.ids import bare_id
from exporter.llamacloud.errors import BodyTooLarge, LlamaCloudError, NotFound, StatusRefused
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v2.pages import is_refused_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.v2.memory import BatchMemory
    from exporter.llamacloud.v2.pages import FileJobsPage
    from exporter.llamacloud.v2.reader import Reader

_ENDPOINTS = (Endpoint.LIST_PARSE_JOBS, Endpoint.LIST_EXTRACT_JOBS)
# Too many ids, too large an answer, or an id that LlamaCloud does not know: nothing documents which
# of these it says of that.
_REFUSES_IDS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
# An answer that is too large for a single file job costs megabytes each time.
_TIMES_REFUSED_AT_MOST = 3
# Where nothing works, the file jobs are not at fault, and the error tells more.
_FAILURES_BEFORE_ANYTHING_WORKED = 2


class FileJobs:
    """Asks for the file jobs of one batch, and applies them to its memory page by page.

    ``asked_monotonic`` is when the first request was sent, ``answered_at`` the Unix time of the
    last answer; at first they are those of the batch itself.
    """

    def __init__(self, reader: Reader, memory: BatchMemory) -> None:
        self.asked_monotonic = memory.asked_monotonic
        self.answered_at = memory.answered_at
        self._reader = reader
        self._memory = memory
        self._has_asked = False
        self._has_worked = False
        self._failures: list[tuple[Sequence[str], LlamaCloudError]] = []

    async def ask(self) -> None:
        """Ask for all file jobs that have not ended.

        Raises:
            LlamaCloudError: some could not be fetched; what came before is applied.
        """
        try:
            for endpoint in _ENDPOINTS:
                await self._ask_all(_Group(endpoint, self._files_by_job(endpoint)))
        finally:
            for files, error in self._failures:
                # Where bodies break off and nothing works, the network is at fault.
                if self._has_worked or _refuses_ids(error):
                    self._memory.apply_missing(files, was_refused=True)
        broke_off = [error for _, error in self._failures if not _refuses_ids(error)]
        if broke_off and not self._has_worked:
            raise broke_off[-1]

    async def _ask_all(self, group: _Group) -> None:
        ids, learnt = list(group.files), self._reader.learnt
        while ids:
            size = learnt.ids_at_a_time[group.endpoint]
            worked = await self._ask_for(group, ids[:size])
            if 0 < worked < len(ids[:size]):
                learnt.fewer_ids_work(group.endpoint, worked)
            ids = ids[size:]

    def _files_by_job(self, endpoint: Endpoint) -> dict[str, list[str]]:
        """Return the file jobs to ask for, those that were refused last, and the files of each."""
        files: dict[str, list[str]] = defaultdict(list)
        entries = self._memory.entries or {}
        for file_id, entry in sorted(entries.items(), key=lambda item: item[1].times_refused):
            job_id = entry.file_job_id if entry.endpoint is endpoint else None
            is_worth_asking = entry.times_refused < _TIMES_REFUSED_AT_MOST
            if job_id is not None and is_worth_asking and not entry.has_ended:
                files[job_id].append(file_id)
        return files

    async def _ask_for(self, group: _Group, ids: Sequence[str]) -> int:
        """Ask for file jobs, in halves where an answer is too large.

        Return how many at a time worked, at most.
        """
        try:
            await self._read_pages(group, ids)
        except LlamaCloudError as error:
            if not error.is_of_body and not _refuses_ids(error):
                raise
            if len(ids) == 1:
                self._failures.append((group.files[ids[0]], error))
                if not self._has_worked and len(self._failures) >= _FAILURES_BEFORE_ANYTHING_WORKED:
                    raise
                return 0
        else:
            self._has_worked = True
            return len(ids)
        half = len(ids) // 2
        first = await self._ask_for(group, ids[:half])
        return max(first, await self._ask_for(group, ids[half:]))

    async def _read_pages(self, group: _Group, ids: Sequence[str]) -> None:
        """Read a list of file jobs until all were found, or to its end.

        It begins anew, once and without those that were found, where its token is refused.
        """
        missing = dict.fromkeys(ids)
        token, tokens, began_anew = None, set[str](), False
        while missing:
            try:
                page = await self._reader.file_jobs_page(group.endpoint, ids, token)
            except StatusRefused as error:
                if began_anew or not is_refused_token(error, token):
                    raise
                ids, token, began_anew = list(missing), None, True
                continue
            self._note(page)
            found = self._apply(page, group, missing)
            tokens.add(token or "")
            token = page.next_token
            if page.is_token_unread and found:
                # Nobody can tell where the list goes on.
                ids = list(missing)
                continue
            # A page without any of them shows that the filter was ignored.
            if not token or not found or token in tokens:
                break
        self._memory.apply_missing(
            [file_id for job_id in missing for file_id in group.files[job_id]]
        )

    def _note(self, page: FileJobsPage) -> None:
        if not self._has_asked:
            self._has_asked, self.asked_monotonic = True, page.asked_monotonic
        self.answered_at = page.answered_at

    def _apply(self, page: FileJobsPage, group: _Group, missing: dict[str, None]) -> bool:
        """Apply the rows that were asked for, no longer ``missing`` then; tell if any was."""
        known_values, before = self._reader.learnt.known_values, len(missing)
        for row in page.rows:
            job_id = group.asked_id(row.id)
            for file_id in group.files[job_id] if job_id is not None else ():
                self._memory.apply_file_job(file_id, row, page.answered_at, known_values)
            missing.pop(job_id or "", None)
        return len(missing) < before


class _Group:
    """The file jobs that one endpoint lists, and the ``files`` of the batch that refer to each."""

    def __init__(self, endpoint: Endpoint, files: Mapping[str, Sequence[str]]) -> None:
        self.endpoint = endpoint
        self.files = files
        self._by_bare_id = {bare_id(job_id): job_id for job_id in files}

    def asked_id(self, row_id: str) -> str | None:
        """Return the id by which a row was asked for, ``None`` if it was not.

        LlamaCloud may write the same id with a prefix and without it.
        """
        return row_id if row_id in self.files else self._by_bare_id.get(bare_id(row_id))


def _refuses_ids(error: LlamaCloudError) -> bool:
    if isinstance(error, NotFound):
        return error.from_api
    is_refused = isinstance(error, StatusRefused) and error.code in _REFUSES_IDS
    return is_refused or isinstance(error, BodyTooLarge)
