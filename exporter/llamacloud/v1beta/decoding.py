"""From a body to its rows: at once where it is as documented, else field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from exporter.llamacloud.fields import (
    count,
    document_of,
    field_of,
    have_usable_ids,
    is_usable_id,
    number,
    text,
)
from exporter.llamacloud.json_bounds import check_number_of_values
from exporter.llamacloud.rows import MOST_ROWS, read_at_once, readable_rows, rows_of
from exporter.llamacloud.unread import Unread
from exporter.llamacloud.v1beta.models import ItemPage, ItemRow, JobPage, JobRow, JobStatusAnswer
from exporter.llamacloud.v1beta.tolerant import item_row, job_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Row = TypeVar("Row")

_JOB_PAGE = msgspec.json.Decoder(JobPage)
_ITEM_PAGE = msgspec.json.Decoder(ItemPage)
_JOB_STATUS = msgspec.json.Decoder(JobStatusAnswer)


@dataclass(frozen=True, slots=True)
class Rows(Generic[Row]):
    """The rows of a page that can be read, of ``sent`` ones, and what is said of further pages.

    ``announces_more`` is true where the page has a token, or a token or total that cannot be read.
    """

    rows: Sequence[Row]
    sent: int
    announces_more: bool
    total_size: int | None
    unread: Unread


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A status answer; ``job`` is ``None`` where it cannot be read."""

    job: JobRow | None
    progress_percentage: float | None
    unread: Unread


def read_jobs(body: bytes) -> Rows[JobRow]:
    """Read a page of the list of jobs.

    Raises:
        BadResponse: it is no such page, or of ten rows or more none can be read.
    """
    check_number_of_values(body)
    page = read_at_once(_JOB_PAGE, body)
    if page is not None and _are_usable(page.items, [row.id for row in page.items]):
        return _as_documented(page, page.items)
    return _tolerantly(body, job_row, may_be_absent=False)


def read_items(body: bytes) -> Rows[ItemRow]:
    """Read a page of a job's items, which may lack its list of them.

    Raises:
        BadResponse: it is no such page, or of ten rows or more none can be read.
    """
    check_number_of_values(body)
    page = read_at_once(_ITEM_PAGE, body)
    if page is not None and _are_usable(page.items, [row.item_id for row in page.items]):
        return _as_documented(page, page.items)
    return _tolerantly(body, item_row, may_be_absent=True)


def read_status(body: bytes) -> StatusRow:
    """Read the answer of the status endpoint.

    Raises:
        BadResponse: it is no JSON object.
    """
    check_number_of_values(body)
    answer = read_at_once(_JOB_STATUS, body)
    if answer is not None and is_usable_id(answer.job.id):
        return StatusRow(answer.job, answer.progress_percentage, Unread())
    document, unread = document_of(body), Unread()
    job = job_row(document.get("job"), unread)
    return StatusRow(job, field_of(document, "progress_percentage", number, unread), unread)


def _are_usable(rows: Sequence[object], ids: Sequence[str]) -> bool:
    """Tell whether a page is no longer than may be asked for, and all its ids are usable."""
    return len(rows) <= MOST_ROWS and have_usable_ids(ids)


def _as_documented(page: JobPage | ItemPage, rows: Sequence[Row]) -> Rows[Row]:
    return Rows(rows, len(rows), bool(page.next_page_token), page.total_size, Unread())


def _tolerantly(
    body: bytes, read: Callable[[object, Unread], Row | None], *, may_be_absent: bool
) -> Rows[Row]:
    document, unread = document_of(body), Unread()
    sent = rows_of(document, may_be_absent=may_be_absent)
    rows = readable_rows(sent, read, unread)
    token = field_of(document, "next_page_token", text, unread)
    total_size = field_of(document, "total_size", count, unread)
    return Rows(
        rows=rows,
        sent=len(sent),
        # What cannot be read may well say that more follows.
        announces_more=bool(token)
        or _is_unreadable(document, "next_page_token", token)
        or _is_unreadable(document, "total_size", total_size),
        total_size=total_size,
        unread=unread,
    )


def _is_unreadable(document: Mapping[str, object], name: str, read: object) -> bool:
    return read is None and document.get(name) is not None
