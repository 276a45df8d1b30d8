"""The number of file jobs in one request: fewer where larger answers fail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from exporter.llamacloud.v2.endpoints import V2Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.stdlib import BoundLogger

# Parse ids of 40 characters make a URL of 5 kB. Rows of extract jobs contain whole documents.
_MOST: Final[Mapping[V2Endpoint, int]] = {
    V2Endpoint.LIST_PARSE_JOBS: 100,
    V2Endpoint.LIST_EXTRACT_JOBS: 20,
}
# A body may also break off by accident, and documents differ in size.
_DOUBLED_AFTER_SECONDS = 3600.0


class IdsAtATime:
    """The number of ids in a request to each list of file jobs, for one project.

    A number that was lowered doubles every hour.
    """

    def __init__(self, log: BoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._lowered = {endpoint: (number, 0.0) for endpoint, number in _MOST.items()}
        self._logged: set[tuple[V2Endpoint, int]] = set()

    def of(self, endpoint: V2Endpoint) -> int:
        """Return how many file jobs to request at a time."""
        number, lowered_at = self._lowered[endpoint]
        most = _MOST[endpoint]
        doublings = int((self._clock() - lowered_at) // _DOUBLED_AFTER_SECONDS)
        # More doublings than there are bits change nothing.
        return min(most, number << min(max(doublings, 0), most.bit_length()))

    def fewer_work(self, endpoint: V2Endpoint, number: int) -> None:
        """Note that requests for more file jobs than this fail."""
        before = self.of(endpoint)
        # Another batch may have found a smaller number meanwhile.
        if number >= before:
            return
        self._lowered[endpoint] = number, self._clock()
        if (endpoint, number) not in self._logged:
            self._logged.add((endpoint, number))
            self._log.info(
                "api.fewer_ids_at_a_time",
                endpoint=str(endpoint),
                ids_at_a_time=number,
                before=before,
                advice="answers about more file jobs are too large, break off or are refused;"
                " smaller requests are more requests, and twice as many file jobs at a time are"
                " tried again every hour",
            )
