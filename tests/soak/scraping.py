"""Scrapes as Prometheus does: on one connection, in both formats in turn, compressed or not."""

from __future__ import annotations

import gzip
import http.client
from collections import Counter
from itertools import cycle, product
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from tests.soak.exposition import Reader
from tests.soak.strictness import StrictReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.soak.exposition import Exposition

_ACCEPTED: Final = {
    "text": "text/plain;version=0.0.4",
    "openmetrics": "application/openmetrics-text;version=1.0.0",
}
_TIMEOUT_SECONDS = 20.0


class Scraper:
    """Scrapes the metrics at a URL; ``clock`` is LlamaCloud's."""

    def __init__(self, metrics_url: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.connect(metrics_url)
        self._ways = cycle(product(_ACCEPTED, ("gzip", "identity")))
        self._reader = Reader()
        self._strictly = StrictReader()
        self.scrapes: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Return the scraper."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection and end the strict reader."""
        self._connection.close()
        self._strictly.__exit__(kind, error, trace)

    def connect(self, metrics_url: str) -> None:
        """Scrape another exporter from now on."""
        address = urlsplit(metrics_url)
        self._path = address.path
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS
        )

    def scrape(self) -> Exposition:
        """Fetch and parse one exposition."""
        form, coding = next(self._ways)
        text = self._fetch(form, coding).decode()
        read = self._reader.read(text, read_at=self._clock())
        self.scrapes[f"{form}, {coding}"] += 1
        self._strictly.offer(text, form, read.number)
        return read

    def conclude(self) -> int:
        """Wait for the strict reader, and return how many scrapes it read."""
        self._strictly.conclude()
        return self._strictly.times_read

    def _fetch(self, form: str, coding: str) -> bytes:
        headers = {"Accept": _ACCEPTED[form], "Accept-Encoding": coding}
        self._connection.request("GET", self._path, headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, body[:300])
        assert coding == response.headers.get("Content-Encoding", "identity")
        assert response.headers["Content-Type"].startswith(_ACCEPTED[form].partition(";")[0])
        return gzip.decompress(body) if coding == "gzip" else body
