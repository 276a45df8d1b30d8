"""Addresses that Prometheus scrapes before anything listens there, or in one format only."""

from __future__ import annotations

import http.client
import socket
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from tests.e2e.alertmanager import serving_handler

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_FORM = "text/plain; version=0.0.4"


@contextmanager
def reserved_address() -> Iterator[str]:
    """Reserve a free port, and yield its address.

    A server may listen on it, stop, and listen again: Linux lets two sockets have one address while
    at most one of them listens.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@contextmanager
def text_only_proxy(address: str) -> Iterator[str]:
    """Yield the address of a proxy that requests the text format from another address.

    Prometheus prefers OpenMetrics, and has a setting for that only since 2.49.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name: self.headers[name] for name in ("Accept-Encoding", "User-Agent")}
            connection = http.client.HTTPConnection(address, timeout=10)
            try:
                connection.request("GET", self.path, headers=headers | {"Accept": TEXT_FORM})
                response = connection.getresponse()
                self._pass_on(response, response.read())
            except (OSError, http.client.HTTPException):
                self.send_error(502)
            finally:
                connection.close()

        def _pass_on(self, response: http.client.HTTPResponse, body: bytes) -> None:
            self.send_response(response.status)
            for name in ("Content-Type", "Content-Encoding"):
                if name in response.headers:
                    self.send_header(name, response.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log no scrapes."""

    with serving_handler(Handler) as proxy:
        yield proxy
