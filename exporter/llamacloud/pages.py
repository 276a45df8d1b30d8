"""Pages of lists: decoded as a whole if the body is as documented, else row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import msgspec

from exporter.domain.ids import contradicts
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.fields import (
    LONGEST_TEXT,
    count,
    document_of,
    field_of,
    have_usable_ids,
    text,
)
from exporter.llamacloud.json_bounds import check_number_of_values
from exporter.llamacloud.left_out import Unreadable
from exporter.texts import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.llamacloud.requests import Query

Model = TypeVar("Model")
Row = TypeVar("Row")
OtherRow = TypeVar("OtherRow")

# The largest page that is requested, so that a page can be held and read at once.
MOST_ROWS: Final = 1000
# All rows of a short page may be bad; if this many rows are all bad, the page itself is.
_ROWS_OF_WHICH_ONE_CAN_BE_READ = 10
_NEXT_PAGE: Final = "next_page_token"
_TOTAL: Final = "total_size"


class WithId(Protocol):
    """A row of a list."""

    @property
    def id(self) -> str:
        """The usable id of the row."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A row that contradicts a ``filter`` of its request: ``received`` instead of ``requested``."""

    row_id: str
    filter: str
    requested: str
    received: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of a list: the rows that can be read and match the filters, of ``sent`` rows.

    ``total_size`` may be an estimate. ``limit`` is the page size of the request, ``None`` where
    LlamaCloud chose it.
    """

    rows: Sequence[Row]
    sent: int
    unreadable: Unreadable
    next_token: str | None = None
    total_size: int | None = None
    mismatches: Sequence[Mismatch] = ()
    limit: int | None = None
    asked_monotonic: float = 0.0
    answered_at: float = 0.0

    @property
    def is_token_unreadable(self) -> bool:
        """Whether the page has a token that cannot be read."""
        return _NEXT_PAGE in self.unreadable.fields

    @property
    def announces_more(self) -> bool:
        """Whether the page has a token, or a token or total that cannot be read."""
        return bool(self.next_token) or self.is_token_unreadable or _TOTAL in self.unreadable.fields


def read_page(
    body: bytes,
    decoder: msgspec.json.Decoder[Any],
    read_row: Callable[[object, Unreadable], Row | None],
    *,
    id_field: str = "id",
    has_total: bool = False,
    may_lack_rows: bool = False,
) -> Page[Row]:
    """Read a page by ``decoder`` if it is as documented, else each row by ``read_row``.

    Raises:
        BadResponse: it is no such page, or of ten rows or more none can be read.
    """
    check_number_of_values(body)
    page = read_at_once(decoder, body)
    if page is not None and len(page.items) <= MOST_ROWS:
        rows = page.items
        if have_usable_ids([getattr(row, id_field) for row in rows]):
            total_size = page.total_size if has_total else None
            return Page(rows, len(rows), Unreadable(), page.next_page_token, total_size)
    document, unreadable = document_of(body), Unreadable()
    sent = [] if may_lack_rows and "items" not in document else rows_of(document)
    return Page(
        readable_rows(sent, read_row, unreadable),
        len(sent),
        unreadable,
        field_of(document, _NEXT_PAGE, text, unreadable),
        field_of(document, _TOTAL, count, unreadable) if has_total else None,
    )


def read_at_once(decoder: msgspec.json.Decoder[Model], body: bytes) -> Model | None:
    """Decode a body that is as documented; return ``None`` for any other."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def rows_of(document: Mapping[str, Any]) -> list[Any]:
    """Return the rows of a page as plain values.

    Raises:
        BadResponse: there is no list of them, or it is longer than the largest page.
    """
    rows = document.get("items")
    if not isinstance(rows, list):
        raise BadResponse("items: not a list")
    if len(rows) > MOST_ROWS:
        raise BadResponse(f"items: more than {MOST_ROWS} rows")
    return rows


def readable_rows(
    values: Sequence[object],
    read_row: Callable[[object, Unreadable], Row | None],
    unreadable: Unreadable,
) -> list[Row]:
    """Read the rows of a page one by one, and leave out those without a usable id.

    Raises:
        BadResponse: of ten rows or more none can be read.
    """
    rows = [row for value in values if (row := read_row(value, unreadable)) is not None]
    if not rows and len(values) >= _ROWS_OF_WHICH_ONE_CAN_BE_READ:
        raise BadResponse(f"items: none of {len(values)} rows has a usable id")
    return rows


def mismatch_of(row: WithId, requested: Query) -> Mismatch | None:
    """Return the mismatch of the first filter of a request that a row contradicts.

    A field that the row lacks contradicts nothing. Ids are compared by ``contradicts``, words
    without case.
    """
    for name, value in requested.items():
        received = cut(getattr(row, name, None), LONGEST_TEXT)
        if received is None or not isinstance(value, str):
            continue
        is_id = name.endswith("_id")
        if contradicts(value, received) if is_id else value.lower() != received.lower():
            return Mismatch(row.id, name, value, received)
    return None
