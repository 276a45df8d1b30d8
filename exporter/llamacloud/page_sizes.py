"""How many rows are asked for at a time: fewer where LlamaCloud refuses as many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.llamacloud.requests import Endpoint

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from exporter.llamacloud.errors import Unprocessable


class PageSizes:
    """The page size of each list endpoint, for one project; what works is kept.

    ``parameter`` is the query parameter that takes it, ``sizes`` are those to try, the largest
    first. Where all are refused none is given, and LlamaCloud applies its own default.
    """

    def __init__(self, parameter: str, sizes: tuple[int, ...], log: BoundLogger) -> None:
        self.parameter = parameter
        self._log = log
        self._smaller: dict[int, int | None] = dict(zip(sizes, (*sizes[1:], None), strict=True))
        self._sizes: dict[Endpoint, int | None] = dict.fromkeys(Endpoint, sizes[0])

    def of(self, endpoint: Endpoint) -> int | None:
        """Return how many rows to ask for, ``None`` where no limit is to be given."""
        return self._sizes[endpoint]

    def refused(self, endpoint: Endpoint, size: int | None, error: Unprocessable) -> bool:
        """Tell whether to ask again, with a smaller page, after ``size`` was refused."""
        if self.parameter not in error.parameters or size is None:
            return False
        # Another request may have found a smaller size meanwhile.
        if self._sizes[endpoint] == size:
            smaller = self._smaller[size]
            self._sizes[endpoint] = smaller
            self._log.warning(
                "api.page_size_refused",
                endpoint=str(endpoint),
                refused=size,
                page_size=smaller,
                detail=error.detail,
                advice="smaller pages take more requests; nothing else is lost",
            )
        return True
