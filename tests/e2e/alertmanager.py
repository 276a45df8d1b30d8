"""A real Alertmanager on the loopback, and a receiver of its notifications."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.support.daemon import Daemon, running_daemon

if TYPE_CHECKING:
    from collections.abc import Iterator


class Receiver:
    """Receives the notifications of Alertmanager's webhook."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.messages: list[dict[str, Any]] = []

    def notifications(self, alert: str) -> list[dict[str, Any]]:
        """Return the notifications of an alert, in the order of their arrival."""
        received = [each for message in list(self.messages) for each in message["alerts"]]
        return [each for each in received if each["labels"]["alertname"] == alert]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive webhooks on a free port until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.messages.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log no requests."""

    with serving_handler(Handler) as address:
        receiver = Receiver(f"http://{address}/")
        yield receiver


@contextmanager
def serving_handler(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve in a thread, and yield host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_alertmanager(config: str) -> Iterator[Daemon]:
    """Run Alertmanager without peers, on a free port and in a folder of its own."""
    arguments = ("--storage.path={folder}/data", "--cluster.listen-address=")
    with running_daemon(Daemon, "prometheus-alertmanager", config, *arguments) as alertmanager:
        yield alertmanager
