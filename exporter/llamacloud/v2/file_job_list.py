"""The list of file jobs of one type, read by their ids for one batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exporter.domain import ENDED_ITEM_STATUSES
from exporter.domain.ids import bare_id
from exporter.llamacloud.errors import StatusRefused
from exporter.llamacloud.v2.reader import is_refused_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.llamacloud.pages import Page
    from exporter.llamacloud.v2.batch_files import Files
    from exporter.llamacloud.v2.batches import FileJob
    from exporter.llamacloud.v2.endpoints import V2Endpoint
    from exporter.llamacloud.v2.reader import Reader


class FileJobList:
    """Reads file jobs of a batch by their ids, and applies them to its files page by page.

    ``file_ids`` are the files that refer to each file job that has not ended, ``ended_ids`` the
    file jobs that have ended. ``asked_monotonic`` is when the first page was requested, ``None``
    before there is one; ``answered_at`` is the Unix time of the last page.
    """

    def __init__(self, reader: Reader, files: Files, endpoint: V2Endpoint) -> None:
        self.endpoint = endpoint
        self.asked_monotonic: float | None = None
        self.answered_at = 0.0
        self.file_ids: dict[str, list[str]] = defaultdict(list)
        self.ended_ids: list[str] = []
        self._reader = reader
        self._files = files
        for file_id, entry in files.entries.items():
            if entry.endpoint is not endpoint or entry.file_job_id is None:
                continue
            if not entry.has_ended:
                self.file_ids[entry.file_job_id].append(file_id)
            elif entry.status in ENDED_ITEM_STATUSES:
                self.ended_ids.append(entry.file_job_id)
        self._by_bare_id = {bare_id(job_id): job_id for job_id in self.file_ids}

    @property
    def has_answered(self) -> bool:
        """Whether the list returned a page."""
        return self.asked_monotonic is not None

    async def read(self, ids: Sequence[str]) -> None:
        """Read the list until all of these file jobs were found, or to its end.

        If its token is refused, the list is read once more, for the file jobs not yet found.
        """
        missing = dict.fromkeys(ids)
        token, tokens, has_restarted = None, set[str](), False
        while missing:
            try:
                page = await self._reader.file_jobs_page(self.endpoint, ids, token)
            except StatusRefused as error:
                if has_restarted or not is_refused_token(error, token):
                    raise
                ids, token, has_restarted = list(missing), None, True
                continue
            found = self._apply(page, missing)
            tokens.add(token or "")
            token = page.next_token
            if page.is_token_unreadable and found:
                # The list has more rows, but its token is unreadable.
                ids = list(missing)
                continue
            # A page without any of them shows that the server ignores the filter.
            if not token or not found or token in tokens:
                break
        self._files.apply_missing(self.files_of(missing))

    def files_of(self, ids: Iterable[str]) -> list[str]:
        """Return the files that refer to these file jobs and have not ended."""
        return [file_id for job_id in ids for file_id in self.file_ids.get(job_id, ())]

    def _apply(self, page: Page[FileJob], missing: dict[str, None]) -> bool:
        """Apply the requested file jobs of a page, remove them from ``missing``; return if any."""
        if self.asked_monotonic is None:
            self.asked_monotonic = page.asked_monotonic
        self.answered_at = page.answered_at
        before = len(missing)
        for file_job in page.rows:
            # LlamaCloud may write the same id with a prefix and without it.
            job_id = file_job.id
            if job_id not in self.file_ids:
                job_id = self._by_bare_id.get(bare_id(job_id), "")
            for file_id in self.files_of([job_id]):
                self._files.apply_file_job(file_id, file_job)
            missing.pop(job_id, None)
        return len(missing) < before
