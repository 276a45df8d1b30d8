"""The page sizes of requests: smaller ones where LlamaCloud refuses large ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.stdlib import BoundLogger

    from exporter.llamacloud.errors import Unprocessable
    from exporter.llamacloud.requests import Endpoint

# A refusal may be temporary: a gateway may have sent it.
_KEPT_FOR_SECONDS = 3600.0


class PageSizes:
    """The page size of each list endpoint, for one project; a size that works is kept for an hour.

    ``parameter`` is its query parameter, ``sizes`` are those to try, the largest first. Where all
    are refused no size is sent, and LlamaCloud applies its own default.
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
        self._sizes: tuple[int | None, ...] = (*sizes, None)
        # The position of the size that works, and when a larger one was refused.
        self._in_use: dict[Endpoint, tuple[int, float]] = {}
        self._logged: set[tuple[Endpoint, int]] = set()

    def of(self, endpoint: Endpoint) -> int | None:
        """Return the page size to request, ``None`` where no size is to be sent."""
        position, refused_at = self._in_use.get(endpoint, (0, 0.0))
        is_kept = self._clock() - refused_at < _KEPT_FOR_SECONDS
        return self._sizes[position if is_kept else 0]

    def refused(self, endpoint: Endpoint, size: int | None, error: Unprocessable) -> bool:
        """Return whether to repeat a request with a smaller page, after a refusal of ``size``."""
        if self.parameter not in error.parameters or size is None:
            return False
        # Another request may have found a smaller size meanwhile.
        if self.of(endpoint) == size:
            position = self._sizes.index(size) + 1
            self._in_use[endpoint] = position, self._clock()
            self._log_refusal(endpoint, size, self._sizes[position], error.detail)
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
