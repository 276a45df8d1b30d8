"""How many rows are asked for at a time: fewer where LlamaCloud refuses as many."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.llamacloud.requests import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from exporter.llamacloud.errors import Unprocessable

# A refusal may pass: a gateway may have made it up.
_KEPT_FOR_SECONDS = 3600.0


class PageSizes:
    """The page size of each list endpoint, for one project; what works is kept for an hour.

    ``parameter`` is the query parameter that takes it, ``sizes`` are those to try, the largest
    first. Where all are refused none is given, and LlamaCloud applies its own default.
    """

    def __init__(
        self,
        parameter: str,
        sizes: tuple[int, ...],
        log: BoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.parameter = parameter
        self._log = log
        self._clock = clock
        self._largest = sizes[0]
        self._smaller: dict[int, int | None] = dict(zip(sizes, (*sizes[1:], None), strict=True))
        self._sizes: dict[Endpoint, int | None] = dict.fromkeys(Endpoint, sizes[0])
        self._refused_at = dict.fromkeys(Endpoint, float("-inf"))
        self._logged: set[tuple[Endpoint, int]] = set()

    def of(self, endpoint: Endpoint) -> int | None:
        """Return how many rows to ask for, ``None`` where no limit is to be given."""
        if self._clock() - self._refused_at[endpoint] >= _KEPT_FOR_SECONDS:
            self._sizes[endpoint] = self._largest
        return self._sizes[endpoint]

    def refused(self, endpoint: Endpoint, size: int | None, error: Unprocessable) -> bool:
        """Tell whether to ask again, with a smaller page, after ``size`` was refused."""
        if self.parameter not in error.parameters or size is None:
            return False
        # Another request may have found a smaller size meanwhile.
        if self._sizes[endpoint] == size:
            smaller = self._smaller[size]
            self._sizes[endpoint], self._refused_at[endpoint] = smaller, self._clock()
            self._log_refusal(endpoint, size, smaller, error.detail)
        return True

    def _log_refusal(self, endpoint: Endpoint, size: int, smaller: int | None, detail: str) -> None:
        if (endpoint, size) in self._logged:
            return
        self._logged.add((endpoint, size))
        self._log.warning(
            "api.page_size_refused",
            endpoint=str(endpoint),
            refused=size,
            page_size=smaller,
            detail=detail,
            advice="smaller pages take more requests, and poll.max_pages and items.max_pages reach"
            " less far: raise them if jobs or items are missing; larger pages are tried again"
            " every hour",
        )
