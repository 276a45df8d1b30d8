"""From a body to the rows of a page: at once where it is as documented, else one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from exporter.llamacloud.errors import BadResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.llamacloud.unread import Unread

Model = TypeVar("Model")
Row = TypeVar("Row")

# The most that may be asked for, so that a page can be held and read at once.
MOST_ROWS: Final = 1000
# A short page may consist of rows that are all bad; on one of so many, the page is.
_ROWS_OF_WHICH_ONE_CAN_BE_READ = 10


@dataclass(frozen=True, slots=True)
class NotAskedFor:
    """A row that contradicts the ``filter``: ``came`` stands where ``asked`` was asked for."""

    row_id: str
    filter: str
    asked: str
    came: str


def read_at_once(decoder: msgspec.json.Decoder[Model], body: bytes) -> Model | None:
    """Read a body that is as documented; return ``None`` for any other."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def rows_of(document: Mapping[str, Any], *, may_be_absent: bool) -> list[Any]:
    """Return the rows of a page as plain values.

    Raises:
        BadResponse: there is no list of them, or it is longer than may be asked for.
    """
    if may_be_absent and "items" not in document:
        return []
    rows = document.get("items")
    if not isinstance(rows, list):
        raise BadResponse("items: not a list")
    if len(rows) > MOST_ROWS:
        raise BadResponse(f"items: more than {MOST_ROWS} rows")
    return rows


def readable_rows(
    values: Sequence[object], read: Callable[[object, Unread], Row | None], unread: Unread
) -> list[Row]:
    """Read the rows of a page one by one, and leave out those without a usable id.

    Raises:
        BadResponse: of ten rows or more none can be read.
    """
    rows = [row for value in values if (row := read(value, unread)) is not None]
    if not rows and len(values) >= _ROWS_OF_WHICH_ONE_CAN_BE_READ:
        raise BadResponse(f"items: none of {len(values)} rows has a usable id")
    return rows
