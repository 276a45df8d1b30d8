"""Whether another page of a list follows, which is not documented.

``next_offset`` is the number of rows that were sent up to the end of the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.llamacloud.pages import Page


def more_follows(page: Page[Any], next_offset: int) -> bool:
    """Return whether a page promises more rows after ``next_offset``.

    No public material says whether ``next_page_token`` and ``total_size`` are filled in, whether
    the total is exact, or whether fewer rows than the limit may be served. So an empty page is the
    end, a token or a larger total promises more, and without both a full page does. A token or a
    total that cannot be read promises more as well. Where no limit was sent, a full page cannot be
    distinguished from a short one: only an empty page is the end.
    """
    if not page.sent:
        return False
    if page.announces_more or page.limit is None:
        return True
    return (page.total_size or 0) > next_offset or page.sent >= page.limit


def may_go_on(
    page: Page[Any], next_offset: int, *, rows_seen: int, rows_expected: int | None
) -> bool:
    """Return whether to request the next page of a list of which a number of rows is expected.

    A server may serve fewer rows than the limit, without a token or a total that says so. So a
    page that ends short of what is expected may not be the last, unless it is empty.
    """
    is_short = rows_expected is not None and rows_seen < rows_expected
    return more_follows(page, next_offset) or (
        is_short and page.total_size is None and bool(page.rows)
    )


def promises_more_than(page: Page[Any], next_offset: int, rows_seen: int) -> bool:
    """Return whether rows remain unseen after a page that showed nothing new."""
    return more_follows(page, next_offset) or (page.total_size or 0) > rows_seen
