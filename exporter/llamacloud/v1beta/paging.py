"""Lists come in pages, and what tells whether another one follows is documented nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.llamacloud.v1beta.models import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.llamacloud.v1beta.models import ItemPage, JobPage

PAGE_LIMIT = MOST_ROWS
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list; ``more_follows`` is what can be told from the page itself.

    ``total_size`` may be an estimate.
    """

    rows: Sequence[Row]
    next_offset: int
    more_follows: bool
    total_size: int | None
    asked_monotonic: float
    answered_at: float

    def promises_more_than(self, rows_seen: int) -> bool:
        """Tell whether a page that showed nothing new leaves rows unseen."""
        short_of_total = self.total_size is not None and self.total_size > rows_seen
        return self.more_follows or short_of_total


def more_follows(page: JobPage | ItemPage, next_offset: int) -> bool:
    """Tell whether a page promises more rows after ``next_offset``.

    No public material says whether ``next_page_token`` and ``total_size`` are filled in, whether
    the total is exact, or whether fewer rows than asked for may be served. So an empty page is the
    end, a token or a larger total promises more, and without both a full page does.
    """
    if not page.items:
        return False
    if page.next_page_token:
        return True
    if page.total_size is not None and page.total_size > next_offset:
        return True
    return len(page.items) >= PAGE_LIMIT
