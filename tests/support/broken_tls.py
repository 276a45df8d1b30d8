"""A server whose TLS breaks after the handshake, as with an intercepting proxy."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate for ``localhost``, with its key in the same file."""
    file = folder / "localhost.pem"
    subprocess.run(
        [
            *(require_tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"),
            *("-keyout", str(file), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + (folder / "certificate.pem").read_text())
    return file


@contextmanager
def broken_tls_server(certificate_file: Path) -> Iterator[str]:
    """Serve TLS that turns into plain text after the request; yield the base URL."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file)
    with socket.create_server(("localhost", 0)) as listening:
        accepting = threading.Thread(target=_accept, args=(listening, context))
        accepting.start()
        yield f"https://localhost:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        _answer_in_plain_text(connection, context)


def _answer_in_plain_text(connection: socket.socket, context: ssl.SSLContext) -> None:
    beneath = connection.dup()
    with beneath, context.wrap_socket(connection, server_side=True) as secured:
        secured.recv(65536)
        beneath.sendall(b"HTTP/1.1 200 OK\r\n\r\nnot TLS at all")
