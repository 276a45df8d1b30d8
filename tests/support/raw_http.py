"""Raw HTTP clients, which send what no library would send, or leave answers unread."""

from __future__ import annotations

import select
import socket
from contextlib import suppress

from tests.support.serving import DEADLINE_SECONDS

SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
# Small enough to make the exporter's output pile up on its side.
_SMALL_BUFFER_BYTES = 4096


def connect(address: str, sent: bytes = b"", *, reads_little: bool = False) -> socket.socket:
    """Open a connection and send ``sent`` on it."""
    host, port = address.rsplit(":", 1)
    connection = socket.socket()
    connection.settimeout(DEADLINE_SECONDS)
    if reads_little:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    connection.connect((host, int(port)))
    connection.sendall(sent)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the other side closes, by FIN or reset."""
    received = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return bytes(received)


def exchange(address: str, sent: bytes) -> bytes:
    """Send ``sent``, and return everything received until the connection closes."""
    with connect(address) as connection:
        # If the server refuses in the middle, it may have answered before.
        with suppress(ConnectionError):
            connection.sendall(sent)
        return read_to_end(connection)


def is_open(connection: socket.socket) -> bool:
    """Return whether the other side keeps the connection open and has sent nothing."""
    readable, _, _ = select.select([connection], [], [], 0)
    return not readable
