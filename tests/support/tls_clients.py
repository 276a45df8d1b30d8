"""The exporter's server with a web configuration file, and clients of it."""

from __future__ import annotations

import base64
import http.client
import os
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

import bcrypt
from starlette.middleware import Middleware

from exporter.web_config.current import CurrentWebConfig
from exporter.web_config.gate import GateMiddleware
from tests.support.serving import DEADLINE_SECONDS, Answer, Exporter, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.server import Limits


class Options(TypedDict, total=False):
    """How to send a request."""

    method: str
    authorization: str | None
    client: tuple[Path, Path] | None
    tls: ssl.TLSVersion | None


@dataclass(frozen=True)
class Served:
    """The server's address, and the configuration that it uses."""

    address: str
    web_config: CurrentWebConfig
    exporter: Exporter

    @property
    def url(self) -> str:
        """The server's URL, without a path."""
        return f"{'https' if self.web_config.has_tls else 'http'}://{self.address}"

    def request(
        self, path: str = "/metrics", *headers: tuple[str, str], **options: Unpack[Options]
    ) -> Answer:
        """Send one request, as the function ``request`` does."""
        return request(self.url, path, *headers, **options)


@contextmanager
def served_with(file: Path, limits: Limits | None = None) -> Iterator[Served]:
    """Serve with a web configuration file until the end of the block."""
    web_config = CurrentWebConfig(file)
    tls = web_config.tls if web_config.has_tls else None
    gate = [Middleware(GateMiddleware, web_config.get)]
    exporter = Exporter()
    with served(exporter, limits, tls=tls, gate=gate) as address:
        yield Served(address, web_config, exporter)


def request(
    url: str,
    path: str,
    *headers: tuple[str, str],
    method: str = "GET",
    authorization: str | None = None,
    client: tuple[Path, Path] | None = None,
    tls: ssl.TLSVersion | None = None,
) -> Answer:
    """Send one request on a connection of its own, whatever the server's certificate."""
    connection = open_connection(url, client=client, tls=tls)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if authorization is not None:
            connection.putheader("Authorization", authorization)
        connection.endheaders()
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, named, response.read())
    finally:
        connection.close()


def open_connection(
    url: str, *, client: tuple[Path, Path] | None = None, tls: ssl.TLSVersion | None = None
) -> http.client.HTTPConnection:
    """Return a connection to the host of ``url``, which opens with its first request."""
    scheme, _, address = url.partition("://")
    if scheme == "http":
        return http.client.HTTPConnection(address, timeout=DEADLINE_SECONDS)
    context = unverifying_context(client)
    if tls is not None:
        context.minimum_version = context.maximum_version = tls
    return http.client.HTTPSConnection(address, timeout=DEADLINE_SECONDS, context=context)


def unverifying_context(client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Return a context that accepts any server, and presents a client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client is not None:
        context.load_cert_chain(*client)
    return context


def server_name(url: str) -> str:
    """Return the common name of the server's certificate."""
    host, _, port = url.removeprefix("https://").partition(":")
    pem = ssl.get_server_certificate((host, int(port)), timeout=DEADLINE_SECONDS)
    der = ssl.PEM_cert_to_DER_cert(pem)
    return next(name for name in ("server", "second", "stranger") if name.encode() in der)


def rewrite(file: Path, content: str | bytes) -> None:
    """Write a file again with a later modification time.

    A file system's clock ticks every few milliseconds: two texts of the same length, written within
    one tick, would look unchanged.
    """
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    changed = max(file.stat().st_mtime_ns, before + 1_000_000_000)
    os.utime(file, ns=(changed, changed))


def basic(user: str | bytes, password: str | bytes) -> str:
    """Return the value of an Authorization header."""
    parts = (part.encode() if isinstance(part, str) else part for part in (user, password))
    return "Basic " + base64.b64encode(b":".join(parts)).decode()


def hash_of(password: str, cost: int = 4) -> str:
    """Return a bcrypt hash, by default a cheap one."""
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()
