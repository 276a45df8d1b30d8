"""uvicorn, made to bear hostile clients and to stop in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from exporter.server.crowd import Crowd
from exporter.server.protocol import ClientConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

    from exporter.server.limits import Limits

_BACKLOG = 1024
# The system would let megabytes pile up for each client that reads nothing.
_SEND_BUFFER_BYTES = 256 * 1024
# The header Date is as old as that at most.
_TICK_SECONDS = 1.0
_ABORTED_END_WITHIN_SECONDS = 1.0


class Server(uvicorn.Server):
    """Serves ``app`` until it is stopped; leaves signals to the program, and logs of no client."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        protocol = partial(ClientConnection, limits=limits, crowd=Crowd(limits.connections))
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,  # type: ignore[arg-type]  # it is called, and no more
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=limits.accepted_at_once,
                timeout_keep_alive=limits.idle_seconds,
            )
        )
        self._limits = limits
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Have ``serve`` return soon, within ``leaving_seconds`` of the limits and a bit."""
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them: uvicorn's handlers end the process by the signal, not with 0."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; asyncio uses one number for how many it accepts at once and may wait."""
        for listening in sockets or ():
            # Connections inherit it.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(_BACKLOG)

    async def main_loop(self) -> None:
        """Keep the header Date right."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers under way end, for a while; uvicorn logs a traceback for each it cancels."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        connections = self.server_state.connections
        for connection in list(connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.leaving_seconds):
                while connections:  # noqa: ASYNC110 - nobody tells when the last one is lost
                    await asyncio.sleep(0.01)
        for connection in list(connections):
            connection.transport.abort()
        # The loop tells the connections that they are lost, which ends their answers.
        await asyncio.sleep(0)
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_ABORTED_END_WITHIN_SECONDS)
