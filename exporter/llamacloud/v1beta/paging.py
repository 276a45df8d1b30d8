"""Lists come in pages, and what tells whether another one follows is documented nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.llamacloud.unread import Unread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.llamacloud.requests import Answer
    from exporter.llamacloud.rows import NotAskedFor
    from exporter.llamacloud.v1beta.decoding import Rows

Row = TypeVar("Row")
OtherRow = TypeVar("OtherRow")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list; ``more_follows`` is what can be told from the page itself.

    ``rows`` are those that could be read and were asked for. ``total_size`` may be an estimate.
    """

    rows: Sequence[Row]
    next_offset: int
    more_follows: bool
    total_size: int | None
    asked_monotonic: float
    answered_at: float
    unread: Unread = field(default_factory=Unread)
    not_asked_for: Sequence[NotAskedFor] = ()

    def with_rows(
        self, rows: Sequence[OtherRow], not_asked_for: Sequence[NotAskedFor]
    ) -> Page[OtherRow]:
        """Return the same page with what became of its rows."""
        return Page(
            rows=rows,
            next_offset=self.next_offset,
            more_follows=self.more_follows,
            total_size=self.total_size,
            asked_monotonic=self.asked_monotonic,
            answered_at=self.answered_at,
            unread=self.unread,
            not_asked_for=not_asked_for,
        )

    def may_go_on(self, rows_seen: int, rows_expected: int | None) -> bool:
        """Tell whether to ask for the next page, of a list of which a number of rows is expected.

        A server may serve fewer rows than asked for, without a token or a total that says so. So
        a page that ends short of what is expected may not be the last, unless it is empty.
        """
        is_short = rows_expected is not None and rows_seen < rows_expected
        return self.more_follows or (is_short and self.total_size is None and bool(self.rows))

    def promises_more_than(self, rows_seen: int) -> bool:
        """Tell whether a page that showed nothing new leaves rows unseen."""
        short_of_total = self.total_size is not None and self.total_size > rows_seen
        return self.more_follows or short_of_total


def page_of(rows: Rows[Row], answer: Answer, *, offset: int, limit: int | None) -> Page[Row]:
    """Return the page that an answer to a request for ``limit`` rows from ``offset`` holds."""
    next_offset = offset + rows.sent
    return Page(
        rows=rows.rows,
        next_offset=next_offset,
        more_follows=more_follows(rows, next_offset, limit),
        total_size=rows.total_size,
        asked_monotonic=answer.asked_monotonic,
        answered_at=answer.answered_at,
        unread=rows.unread,
    )


def more_follows(rows: Rows[Row], next_offset: int, limit: int | None) -> bool:
    """Tell whether a page promises more rows after ``next_offset``.

    No public material says whether ``next_page_token`` and ``total_size`` are filled in, whether
    the total is exact, or whether fewer rows than asked for may be served. So an empty page is the
    end, a token or a larger total promises more, and without both a full page does. A token or a
    total that cannot be read promises more as well. Where no limit was given, a full page cannot be
    told from a short one: only an empty page is the end.
    """
    if not rows.sent:
        return False
    if rows.announces_more or limit is None:
        return True
    if rows.total_size is not None and rows.total_size > next_offset:
        return True
    return rows.sent >= limit
