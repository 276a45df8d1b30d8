"""The application on a real socket, and a client that sends what it is told and nothing more."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from exposition.views import full_view
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.exposition import Form
from exporter.simulator.serving import serving_in_thread
from exporter.snapshot import Published, Snapshot
from exporter.web import Site, build_app

OWN = {Form.TEXT: b"own_text 1.0\n", Form.OPENMETRICS: b"own_openmetrics 1.0\n# EOF\n"}
DEADLINE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got, the body as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Exporter:
    """A site whose state tests set, and what it was told."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    scraped: list[Published] = field(default_factory=list)
    healthy: bool = True
    ready: bool = True
    requests_ended: Counter[str] = field(default_factory=Counter)

    def site(self) -> Site:
        """Make a site of this state."""
        return Site(
            telemetry_path="/metrics",
            published=self.snapshot.published,
            own_metrics=OWN.__getitem__,
            scraped=self.scraped.append,
            healthy=lambda: self.healthy,
            ready=lambda: self.ready,
            version="1.2.3",
            projects=("default",),
        )

    def counting(self, app: ASGIApp) -> ASGIApp:
        """Count the requests that ``app`` is through with, by path."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.requests_ended[scope["path"]] += 1

        return counted


@contextmanager
def served(exporter: Exporter, **changes: object) -> Iterator[str]:
    """Serve the site of ``exporter``, with ``changes``, and yield its address."""
    exporter.snapshot.replace(full_view())
    site = replace(exporter.site(), **changes)  # type: ignore[arg-type]
    with serving_in_thread(exporter.counting(build_app(site))) as base_url:
        yield urlsplit(base_url).netloc


def ask(address: str, path: str, *headers: tuple[str, str], method: str = "GET") -> Answer:
    """Send one request with these ``headers`` and no others but Host."""
    connection = http.client.HTTPConnection(address, timeout=DEADLINE_SECONDS)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read())
    finally:
        connection.close()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until ``holds``, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.005)
