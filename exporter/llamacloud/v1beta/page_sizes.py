"""How many rows are asked for at a time: fewer where LlamaCloud refuses as many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v1beta.models import MOST_ROWS

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from exporter.llamacloud.errors import Unprocessable

PARAMETER = "limit"
# Without a limit LlamaCloud applies its own default.
_SIZES = (MOST_ROWS, 500, 100, None)


class PageSizes:
    """The page size of each list endpoint, for one project; what works is kept."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._sizes: dict[Endpoint, int | None] = dict.fromkeys(Endpoint, MOST_ROWS)

    def of(self, endpoint: Endpoint) -> int | None:
        """Return how many rows to ask for, ``None`` where no limit is to be given."""
        return self._sizes[endpoint]

    def refused(self, endpoint: Endpoint, size: int | None, error: Unprocessable) -> bool:
        """Tell whether to ask again, with a smaller page, after ``size`` was refused."""
        if PARAMETER not in error.parameters or size is None:
            return False
        # Another request may have found a smaller size meanwhile.
        if self._sizes[endpoint] == size:
            smaller = _SIZES[_SIZES.index(size) + 1]
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
