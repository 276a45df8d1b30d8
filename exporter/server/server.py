"""Accepting clients until the server is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from email.utils import formatdate
from typing import TYPE_CHECKING

from uvicorn import Config
from uvicorn.server import ServerState

from exporter.server.clients import Clients
from exporter.server.connection import ClientConnection
from exporter.server.tls import TlsConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from exporter.server.limits import Limits
    from exporter.server.tls import Tls

_BACKLOG = 1024
# By default the system would hold megabytes for each client that reads nothing.
_SEND_BUFFER_BYTES = 256 * 1024
# How old the header Date may be.
_TICK_SECONDS = 1.0
_ABORTED_END_WITHIN_SECONDS = 1.0


class Server:
    """Serves ``app`` until it is stopped; handles no signals, and logs nothing about clients.

    ``tls`` is called for each connection, so its result may change while the server runs.
    """

    def __init__(self, app: ASGIApp, limits: Limits, tls: Callable[[], Tls] | None = None) -> None:
        self._config = Config(
            app,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=limits.idle_seconds,
        )
        self._limits = limits
        self._tls = tls
        self._state = ServerState()
        self._clients = Clients(limits.connections)
        self._stopping = asyncio.Event()

    @property
    def connections(self) -> int:
        """The number of connections, TLS handshakes included."""
        return len(self._clients)

    def stop(self) -> None:
        """Let ``serve`` return; answers under way get ``leaving_seconds`` of the limits."""
        self._stopping.set()

    async def serve(self, sockets: list[socket.socket]) -> None:
        """Accept clients on listening sockets until ``stop`` is called, and close them."""
        servers = [await self._listen(listening) for listening in sockets]
        while not self._stopping.is_set():
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)
        for server in servers:
            server.close()
        await self._disconnect()

    async def _listen(self, listening: socket.socket) -> asyncio.Server:
        # Connections inherit it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        # asyncio uses one number for the connections accepted at once and the backlog.
        server = await asyncio.get_running_loop().create_server(
            self._accept, sock=listening, backlog=self._limits.accepted_at_once
        )
        listening.listen(_BACKLOG)
        return server

    def _accept(self) -> asyncio.BaseProtocol:
        tls = None if self._tls is None else self._tls()
        admits = None if tls is None else tls.admits
        client = ClientConnection(self._config, self._state, self._limits, self._clients, admits)
        return client if tls is None else TlsConnection(client, tls, self._limits)

    async def _disconnect(self) -> None:
        """Wait for answers under way, within ``leaving_seconds``, and close all connections."""
        for client in self._clients:
            client.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.leaving_seconds):
                while self._clients:  # noqa: ASYNC110 - no event says that the last one is lost
                    await asyncio.sleep(0.01)
        for client in self._clients:
            client.abort()
        # In its next turn, the loop calls their ``connection_lost``, which ends their answers.
        await asyncio.sleep(0)
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=_ABORTED_END_WITHIN_SECONDS)
