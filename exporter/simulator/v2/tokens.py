"""How the simulated v2 API cuts a list into pages linked by tokens."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.simulator.paging import Order, Page, Row, in_order, size_to_tell
from exporter.simulator.refusals import RefusedError, unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(slots=True)
class TokenPaging:
    """One style of paging by tokens.

    ``total_size`` and ``order`` are as in ``Paging``. Without a size in the request, a page has
    ``default_size`` rows, and never more than ``max_rows``; a ``page_size`` above
    ``max_page_size`` is refused. With ``trailing_token`` the last page has a token too; it leads
    to an empty page, which has another one. With ``ignore_token`` every token leads to the first
    page.

    A token is valid for its own query and for ``token_lifetime_seconds``. The next
    ``tokens_to_refuse`` tokens are refused in any case. The code of refusals is ``refusal_code``.
    """

    total_size: bool | int = False
    order: Order = "newest"
    default_size: int = 50
    max_page_size: int = 100
    max_rows: int | None = None
    trailing_token: bool = False
    ignore_token: bool = False
    token_lifetime_seconds: float | None = None
    tokens_to_refuse: int = 0
    refusal_code: int = 400

    def page(
        self, rows: Sequence[Row], *, page_size: int | None, start: int, token: Callable[[int], str]
    ) -> Page[Row]:
        """Cut the page at ``start`` out of ordered rows; ``token`` makes the next page's."""
        size = page_size or self.default_size
        size = size if self.max_rows is None else min(size, self.max_rows)
        start = 0 if self.ignore_token else start
        end = start + size
        more = end < len(rows) or self.trailing_token
        return Page(
            rows=rows[start:end],
            total_size=size_to_tell(self.total_size, len(rows)),
            next_page_token=token(end) if more else None,
        )

    def ordered(self, oldest_first: Sequence[Row], id_of: Callable[[Row], str]) -> Sequence[Row]:
        """Put rows into this style's order."""
        return in_order(self.order, oldest_first, id_of)

    def start_of(self, token: str | None, query: str, now: float) -> int:
        """Return where the page of a token begins.

        Raises:
            RefusedError: The token is unknown, expired, or of another query.
        """
        if token is None:
            return 0
        if self.tokens_to_refuse > 0:
            self.tokens_to_refuse -= 1
            raise self._refusal(token)
        read = _read(token)
        if read is None or read[1] != query or self._is_expired(now - read[2]):
            raise self._refusal(token)
        return read[0]

    def _is_expired(self, age_seconds: float) -> bool:
        return self.token_lifetime_seconds is not None and age_seconds > self.token_lifetime_seconds

    def _refusal(self, token: str) -> RefusedError:
        if self.refusal_code == 422:  # noqa: PLR2004 - HTTP's own number
            return unprocessable("page_token", "value_error", "Invalid page token", token)
        return RefusedError(self.refusal_code, "Invalid page token")


def token_at(start: int, query: str, now: float) -> str:
    """Make the token of the page that begins at ``start``."""
    return urlsafe_b64encode(json.dumps([start, query, now]).encode()).decode()


def _read(token: str) -> tuple[int, str, float] | None:
    try:
        start, query, issued_at = json.loads(urlsafe_b64decode(token))
        return int(start), str(query), float(issued_at)
    except (ValueError, TypeError):
        return None
