"""How the simulated LlamaCloud cuts a list into pages: in every way that is not documented."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = TypeVar("Row")
Order = Literal["newest", "oldest", "shuffled"]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page, with what it reveals about further rows."""

    rows: Sequence[Row]
    total_size: int | None
    next_page_token: str | None


@dataclass(slots=True)
class Paging:
    """One style of paging.

    ``total_size`` fills in that field or leaves it null; a number is sent as it is, right or wrong.
    ``page_token`` announces more rows. ``max_rows`` serves fewer rows than requested,
    ``ignore_offset`` always the first page. With ``repeat_last_row`` each page begins with the
    last row of the page before, as happens while new rows are added to the list.
    """

    total_size: bool | int = True
    page_token: bool = False
    order: Order = "newest"
    max_rows: int | None = None
    ignore_offset: bool = False
    repeat_last_row: bool = False

    def page(self, rows: Sequence[Row], *, limit: int, offset: int) -> Page[Row]:
        """Cut the page at ``offset`` out of rows that are in order."""
        size = limit if self.max_rows is None else min(limit, self.max_rows)
        pushed_down = offset // size if self.repeat_last_row else 0
        start = 0 if self.ignore_offset else offset - pushed_down
        end = start + size
        more = end < len(rows)
        return Page(
            rows=rows[start:end],
            total_size=size_to_tell(self.total_size, len(rows) + pushed_down),
            next_page_token=_token(end) if self.page_token and more else None,
        )

    def ordered(self, oldest_first: Sequence[Row], id_of: Callable[[Row], str]) -> Sequence[Row]:
        """Put rows into this style's order."""
        return in_order(self.order, oldest_first, id_of)


def in_order(
    order: Order, oldest_first: Sequence[Row], id_of: Callable[[Row], str]
) -> Sequence[Row]:
    """Put rows into an order; ``shuffled`` is the same at every call."""
    if order == "newest":
        return oldest_first[::-1]
    if order == "shuffled":
        return sorted(oldest_first, key=lambda row: crc32(id_of(row).encode()))
    return oldest_first


def size_to_tell(style: bool | int, true_size: int) -> int | None:  # noqa: FBT001 - as in Paging
    """Return the ``total_size`` of an answer: the true one, none, or the number of the style."""
    if style is True:
        return true_size
    return None if style is False else style


def _token(offset: int) -> str:
    return urlsafe_b64encode(f"offset:{offset}".encode()).decode()
