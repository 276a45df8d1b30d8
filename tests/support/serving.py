"""The application on a real socket, and a client that sends exactly the given bytes."""

import asyncio
import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.app.listening import listen
from exporter.config import ListenAddress
from exporter.exposition import Form
from exporter.exposition.snapshot import Snapshot
from exporter.pages import PageSource, ProjectReport
from exporter.server import Limits, Server, Tls
from exporter.web.routes import Site, build_app
from tests.support.status_reports import SECRET, listed_status, report
from tests.support.views import full_view

OWN = {Form.TEXT: b"own_text 1.0\n", Form.OPENMETRICS: b"own_openmetrics 1.0\n# EOF\n"}
DEADLINE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, with the body as it was received."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Exporter:
    """A site whose state tests set, and the calls that it received."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    scraped: list[Mapping[str, int]] = field(default_factory=list)
    healthy: bool = True
    ready: bool = True
    reports: list[ProjectReport] = field(default_factory=lambda: [report(listed_status("default"))])
    clean: Callable[[str], str] = lambda text: text.replace(SECRET, "[redacted]")
    requests_ended: Counter[str] = field(default_factory=Counter)
    server: Server | None = None
    loop: asyncio.AbstractEventLoop | None = None

    def site(self) -> Site:
        """Return a site in this state."""
        return Site(
            published=self.snapshot.published,
            own_metrics=OWN.__getitem__,
            scraped=self.scraped.append,
            healthy=lambda: self.healthy,
            ready=lambda: self.ready,
            source=PageSource(lambda: self.reports, self.clean, "1.2.3", "/metrics"),
        )

    def connections(self) -> int:
        """Count the connections that the server holds."""
        assert self.server is not None
        return self.server.connections

    def stop(self) -> None:
        """Stop the server."""
        assert self.server is not None
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.server.stop)

    def counting(self, app: ASGIApp) -> ASGIApp:
        """Count the requests that ``app`` has finished, by path."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.requests_ended[scope["path"]] += 1

        return counted


@contextmanager
def served(
    exporter: Exporter,
    limits: Limits | None = None,
    *,
    tls: Callable[[], Tls] | None = None,
    gate: Sequence[Middleware] = (),
    **changes: object,
) -> Iterator[str]:
    """Serve the site of ``exporter``, with ``changes``, and yield its address."""
    exporter.snapshot.replace(full_view())
    site = replace(exporter.site(), **changes)  # type: ignore[arg-type]
    (listening,) = listen([ListenAddress(host="127.0.0.1", port=0)])
    with listening:
        exporter.server = Server(exporter.counting(build_app(site, gate)), limits or Limits(), tls)
        exporter.loop = asyncio.new_event_loop()
        serving = exporter.server.serve([listening])
        thread = threading.Thread(target=exporter.loop.run_until_complete, args=[serving])
        thread.start()
        try:
            yield "{}:{}".format(*listening.getsockname())
        finally:
            exporter.stop()
            thread.join()
            exporter.loop.close()


def request(address: str, path: str, *headers: tuple[str, str], method: str = "GET") -> Answer:
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
