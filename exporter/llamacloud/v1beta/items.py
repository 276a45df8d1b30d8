"""The items of a job, as v1beta sends them: pages, rows and statuses."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from exporter.domain import ItemStatus
from exporter.llamacloud.fields import Count, Id, row_of
from exporter.llamacloud.known_values import Vocabulary
from exporter.llamacloud.pages import read_page

if TYPE_CHECKING:
    from exporter.llamacloud.pages import Page

ITEM_STATUSES = Vocabulary(
    "item status",
    {str(status): status for status in ItemStatus if status is not ItemStatus.UNKNOWN},
    ItemStatus.UNKNOWN,
)


# gc=False: rows cannot form cycles, and the garbage collector would visit a thousand of them.
class ItemRow(Struct, frozen=True, gc=False, kw_only=True):
    """The fields of an item that the exporter uses; only the id is required."""

    item_id: Id
    item_name: str | None = None
    status: str | None = None
    skip_reason: str | None = None
    error_message: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class _ItemPage(Struct, frozen=True, kw_only=True):
    """A page of a job's items; the API may leave ``items`` out."""

    items: list[ItemRow] = msgspec.field(default_factory=list)
    next_page_token: str | None = None
    total_size: Count | None = None


_ITEM_PAGE = msgspec.json.Decoder(_ItemPage)
_item_row = partial(row_of, ItemRow, "item_id")


def read_items(body: bytes) -> Page[ItemRow]:
    """Read a page of a job's items, which may lack its list of them, as ``read_page`` does."""
    return read_page(
        body, _ITEM_PAGE, _item_row, id_field="item_id", has_total=True, may_lack_rows=True
    )
