"""The fields of v1beta answers that the exporter uses.

They follow the server's OpenAPI description, but only ids are required. Statuses and types are
plain strings, so that an unknown new value does not fail decoding.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from exporter.llamacloud.fields import Count, Id


# gc=False: rows cannot form cycles, and the garbage collector would visit a thousand of them.
class JobRow(Struct, frozen=True, gc=False, kw_only=True):
    """A job, as in the list and in a status answer."""

    id: Id
    job_type: str | None = None
    status: str | None = None
    project_id: str | None = None
    directory_id: str | None = None
    error_message: str | None = None
    total_items: Count | None = None
    processed_items: Count | None = None
    failed_items: Count | None = None
    skipped_items: Count | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None


class ItemRow(Struct, frozen=True, gc=False, kw_only=True):
    """An item of a job."""

    item_id: Id
    item_name: str | None = None
    status: str | None = None
    skip_reason: str | None = None
    error_message: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class JobPage(Struct, frozen=True, kw_only=True):
    """A page of the list of jobs."""

    items: list[JobRow]
    next_page_token: str | None = None
    total_size: Count | None = None


class ItemPage(Struct, frozen=True, kw_only=True):
    """A page of a job's items; the API may leave ``items`` out."""

    items: list[ItemRow] = field(default_factory=list)
    next_page_token: str | None = None
    total_size: Count | None = None


class JobStatusAnswer(Struct, frozen=True, kw_only=True):
    """The answer of the status endpoint; progress runs from 0 to 100."""

    job: JobRow
    progress_percentage: float | None = None
