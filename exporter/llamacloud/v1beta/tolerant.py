"""Reading the rows of v1beta field by field, where they are not as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.llamacloud.fields import count, row_of, text, time
from exporter.llamacloud.v1beta.models import ItemRow, JobRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.llamacloud.unread import Unread

_JOB_FIELDS: Mapping[str, Callable[[object], Any]] = {
    **dict.fromkeys(("job_type", "status", "project_id", "directory_id", "error_message"), text),
    **dict.fromkeys(("total_items", "processed_items", "failed_items", "skipped_items"), count),
    **dict.fromkeys(("created_at", "started_at", "completed_at", "updated_at"), time),
}
_ITEM_FIELDS: Mapping[str, Callable[[object], Any]] = {
    **dict.fromkeys(("item_name", "status", "skip_reason", "error_message"), text),
    **dict.fromkeys(("started_at", "completed_at"), time),
}


def job_row(value: object, unread: Unread) -> JobRow | None:
    """Read a job as far as possible; without a usable id it is left out."""
    return row_of(JobRow, "id", _JOB_FIELDS, value, unread)


def item_row(value: object, unread: Unread) -> ItemRow | None:
    """Read an item as far as possible; without a usable id it is left out."""
    return row_of(ItemRow, "item_id", _ITEM_FIELDS, value, unread)
