"""The list of file jobs of one type, read by their ids for one batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exporter.domain import ENDED_ITEM_STATUSES
from exporter.domain.ids import bare_id
from exporter.llamacloud.errors import StatusRefused
from exporter.llamacloud.v2.reader import is_refused_token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.llamacloud.pages import Page
    from exporter.llamacloud.requests import Endpoint
    from exporter.llamacloud.v2.memory import BatchMemory
    from exporter.llamacloud.v2.models import FileJobRow
    from exporter.llamacloud.v2.reader import Reader


class FileJobList:
    """Reads file jobs of a batch by their ids, and applies them to its memory page by page.

    ``files`` are the files of the batch that refer to each file job that has not ended, ``told``
    are file jobs that the list has told to have ended. ``has_answered`` is true once it gave a
    page. ``note`` is called with every page.
    """

    def __init__(
        self,
        reader: Reader,
        memory: BatchMemory,
        endpoint: Endpoint,
        note: Callable[[Page[FileJobRow]], None],
    ) -> None:
        self.endpoint = endpoint
        self.has_answered = False
        self.files: dict[str, list[str]] = defaultdict(list)
        self.told: list[str] = []
        self._reader = reader
        self._memory = memory
        self._note = note
        for file_id, entry in memory.files.entries.items():
            if entry.endpoint is not endpoint or entry.file_job_id is None:
                continue
            if not entry.has_ended:
                self.files[entry.file_job_id].append(file_id)
            elif entry.status in ENDED_ITEM_STATUSES:
                self.told.append(entry.file_job_id)
        self._by_bare_id = {bare_id(job_id): job_id for job_id in self.files}

    async def read(self, ids: Sequence[str]) -> None:
        """Read the list until all of these file jobs were found, or to its end.

        It begins anew, once and without those that were found, where its token is refused.
        """
        missing = dict.fromkeys(ids)
        token, tokens, began_anew = None, set[str](), False
        while missing:
            try:
                page = await self._reader.file_jobs_page(self.endpoint, ids, token)
            except StatusRefused as error:
                if began_anew or not is_refused_token(error, token):
                    raise
                ids, token, began_anew = list(missing), None, True
                continue
            self.has_answered = True
            self._note(page)
            found = self._apply(page, missing)
            tokens.add(token or "")
            token = page.next_token
            if page.is_token_unread and found:
                # Nobody can tell where the list goes on.
                ids = list(missing)
                continue
            # A page without any of them shows that the filter was ignored.
            if not token or not found or token in tokens:
                break
        self._memory.files.apply_missing(self.files_of(missing))

    def files_of(self, ids: Sequence[str] | dict[str, None]) -> list[str]:
        """Return the files that refer to these file jobs and have not ended."""
        return [file_id for job_id in ids for file_id in self.files.get(job_id, ())]

    def _apply(self, page: Page[FileJobRow], missing: dict[str, None]) -> bool:
        """Apply the rows that were asked for, no longer ``missing`` then; tell if any was."""
        known_values, before = self._reader.known_values, len(missing)
        for row in page.rows:
            job_id = self._asked_id(row.id)
            for file_id in self.files.get(job_id or "", ()):
                self._memory.apply_file_job(file_id, row, page.answered_at, known_values)
            missing.pop(job_id or "", None)
        return len(missing) < before

    def _asked_id(self, row_id: str) -> str | None:
        """Return the id by which a row was asked for, ``None`` if it was not.

        LlamaCloud may write the same id with a prefix and without it.
        """
        return row_id if row_id in self.files else self._by_bare_id.get(bare_id(row_id))
