"""asyncio's TLS, with clients counted before the handshake, and with a smaller buffer."""

from __future__ import annotations

import asyncio
from asyncio.sslproto import SSLProtocol
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl

    from exporter.server.connection import ClientConnection
    from exporter.server.limits import Limits


class Tls(Protocol):
    """The TLS context of one connection, and which clients may use it."""

    @property
    def context(self) -> ssl.SSLContext:
        """The context of the handshake."""

    def admits(self, certificate: dict[str, Any] | None) -> bool:
        """Return whether a client may stay, by its certificate as ``getpeercert`` returns it."""


class TlsConnection(SSLProtocol):
    """The TLS beneath one ``ClientConnection``.

    ``loop.create_server`` would call the client's protocol only after the handshake: silent clients
    would not count, and 256 of them would cost 64 MiB.
    """

    # The buffer of each connection: 256 KiB by default, while a TLS record has 16 KiB at most.
    max_size = 32 * 1024

    def __init__(self, client: ClientConnection, tls: Tls, limits: Limits) -> None:
        super().__init__(
            asyncio.get_running_loop(),
            client,
            tls.context,
            waiter=None,  # type: ignore[arg-type]  # nothing waits
            server_side=True,
            # The deadlines of the client's connection end before these.
            ssl_handshake_timeout=2 * limits.head_seconds,  # type: ignore[arg-type]  # no float?
            ssl_shutdown_timeout=2 * limits.answer_seconds,
        )
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the client, and begin the handshake."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a listening TCP socket
        self._client.accepted(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop counting the client, also if the handshake failed."""
        super().connection_lost(exc)
        self._client.lost()
