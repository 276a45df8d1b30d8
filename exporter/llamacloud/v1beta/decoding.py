"""Decoding the bodies of v1beta: as a whole if they are as documented, else field by field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from exporter.llamacloud.fields import (
    count,
    document_of,
    field_of,
    is_usable_id,
    number,
    row_of,
    text,
    time,
)
from exporter.llamacloud.json_bounds import check_number_of_values
from exporter.llamacloud.left_out import Unreadable
from exporter.llamacloud.pages import read_at_once, read_page
from exporter.llamacloud.v1beta.models import ItemPage, ItemRow, JobPage, JobRow, JobStatusAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.llamacloud.pages import Page

_JOB_PAGE = msgspec.json.Decoder(JobPage)
_ITEM_PAGE = msgspec.json.Decoder(ItemPage)
_JOB_STATUS = msgspec.json.Decoder(JobStatusAnswer)
_JOB_FIELDS: Mapping[str, Callable[[object], Any]] = {
    **dict.fromkeys(("job_type", "status", "project_id", "directory_id", "error_message"), text),
    **dict.fromkeys(("total_items", "processed_items", "failed_items", "skipped_items"), count),
    **dict.fromkeys(("created_at", "started_at", "completed_at", "updated_at"), time),
}
_ITEM_FIELDS: Mapping[str, Callable[[object], Any]] = {
    **dict.fromkeys(("item_name", "status", "skip_reason", "error_message"), text),
    **dict.fromkeys(("started_at", "completed_at"), time),
}

_job_row = partial(row_of, JobRow, "id", _JOB_FIELDS)
_item_row = partial(row_of, ItemRow, "item_id", _ITEM_FIELDS)


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A status answer; ``job`` is ``None`` if it cannot be read."""

    job: JobRow | None
    progress_percentage: float | None
    unreadable: Unreadable


def read_jobs(body: bytes) -> Page[JobRow]:
    """Read a page of the list of jobs, as ``read_page`` does."""
    return read_page(body, _JOB_PAGE, _job_row, has_total=True)


def read_items(body: bytes) -> Page[ItemRow]:
    """Read a page of a job's items, which may lack its list of them, as ``read_page`` does."""
    return read_page(
        body, _ITEM_PAGE, _item_row, id_field="item_id", has_total=True, may_lack_rows=True
    )


def read_status(body: bytes) -> StatusRow:
    """Read the answer of the status endpoint.

    Raises:
        BadResponse: it is no JSON object.
    """
    check_number_of_values(body)
    answer = read_at_once(_JOB_STATUS, body)
    if answer is not None and is_usable_id(answer.job.id):
        return StatusRow(answer.job, answer.progress_percentage, Unreadable())
    document, unreadable = document_of(body), Unreadable()
    job = _job_row(document.get("job"), unreadable)
    return StatusRow(job, field_of(document, "progress_percentage", number, unreadable), unreadable)
