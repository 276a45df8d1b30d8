"""Lists that are paged differently each time, because their paging is not documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.simulator import Paging, TokenPaging, V2Style
from tests.soak.batch_states import ALL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from exporter.simulator.paging import Order, Page, Row

_ORDERS: tuple[Order, ...] = ("newest", "newest", "newest", "oldest", "shuffled")
_ROWS_OF_JOBS = (None, None, 250, 100)
_ROWS_OF_ITEMS = (None, None, 400, 150)
# A job with at most this many items is counted with one page, whatever happens to lists.
ITEMS_ON_ONE_PAGE = 150
_ROWS_OF_BATCHES = (None, None, 60)
_ROWS_OF_FILE_JOBS = (None, None, 40, 15)


class RestlessPaging(Paging):
    """Cuts every page differently, but never so that a list seems to end early.

    If it ``reshuffles``, every page is cut from a list in another order.
    """

    def __init__(
        self,
        random: Random,
        sizes: Sequence[int | None],
        order: Order,
        *,
        reshuffles: bool = False,
    ) -> None:
        super().__init__(order=order)
        self._random = random
        self._sizes = sizes
        self._reshuffles = reshuffles

    def ordered(self, oldest_first: Sequence[Row], id_of: Callable[[Row], str]) -> Sequence[Row]:
        """Sort rows, or shuffle them differently each time."""
        if self._reshuffles:
            return self._random.sample(oldest_first, len(oldest_first))
        return super().ordered(oldest_first, id_of)

    def page(self, rows: Sequence[Row], *, limit: int, offset: int) -> Page[Row]:
        """Cut one page."""
        random = self._random
        size = random.choice(self._sizes)
        token = random.random() < 0.5
        total_sizes = (
            [True, len(rows) + random.randint(1, 5)] if size and not token else [True, False]
        )
        style = Paging(
            total_size=random.choice(total_sizes),
            page_token=token,
            max_rows=size,
            ignore_offset=self.ignore_offset,
            repeat_last_row=self.repeat_last_row,
        )
        return style.page(rows, limit=limit, offset=offset)


class RestlessTokens(TokenPaging):
    """Serves a random number of rows on each page, and reports random numbers about them."""

    def __init__(self, random: Random, sizes: Sequence[int | None]) -> None:
        super().__init__(
            order=random.choice(_ORDERS),
            max_page_size=50 if random.random() < 0.03 else 100,
            trailing_token=random.random() < 0.2,
            ignore_token=random.random() < 0.05,
            tokens_to_refuse=random.choice((0, 0, 0, 0, 1, 2)),
            refusal_code=random.choice((400, 422)),
        )
        self._random = random
        self._sizes = sizes

    def page(
        self, rows: Sequence[Row], *, page_size: int | None, start: int, token: Callable[[int], str]
    ) -> Page[Row]:
        """Cut one page."""
        self.max_rows = self._random.choice(self._sizes)
        self.total_size = self._random.choice((True, False, len(rows) + 3))
        return super().page(rows, page_size=page_size, start=start, token=token)


def jobs_paging(random: Random) -> RestlessPaging:
    """Draw the paging of lists of jobs."""
    paging = RestlessPaging(random, _ROWS_OF_JOBS, random.choice(_ORDERS))
    paging.repeat_last_row = random.random() < 0.2
    paging.ignore_offset = random.random() < 0.05
    return paging


def items_paging(random: Random, *, reshuffles: bool, ignore_offset: bool) -> RestlessPaging:
    """Draw the paging of lists of items."""
    paging = RestlessPaging(random, _ROWS_OF_ITEMS, "oldest", reshuffles=reshuffles)
    paging.ignore_offset = ignore_offset
    return paging


def batches_paging(random: Random) -> RestlessTokens:
    """Draw the paging of lists of batches."""
    return RestlessTokens(random, _ROWS_OF_BATCHES)


def file_jobs_paging(random: Random) -> RestlessTokens:
    """Draw the paging of lists of parse and extract jobs."""
    return RestlessTokens(random, _ROWS_OF_FILE_JOBS)


def v2_style(random: Random) -> V2Style:
    """Draw the style of v2 answers; each batch decides itself whether its results are null."""
    return V2Style(
        results_in=ALL_STATUSES,
        project_id_prefix=random.choice(("", "prj-", "proj-")),
        lower_case_statuses=random.random() < 0.2,
        max_job_ids=random.choice((70, 15)) if random.random() < 0.05 else None,
        too_many_job_ids_code=random.choice((413, 414, 422)),
        ignore_job_ids=random.random() < 0.02,
    )
