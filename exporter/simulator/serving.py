"""Serves an ASGI application on a socket of this machine, and stops at once on request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from starlette.types import ASGIApp

Result = TypeVar("Result")
_REQUESTS_END_WITHIN_SECONDS = 0.3
# Turns of the event loop in which asyncio accepts a connection and reports it to its protocol.
_TURNS_UNTIL_CONNECTED = 4


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve ``app`` in the running loop and yield its base URL; port 0 chooses a free port.

    At the end of the block every connection is closed, answered or not.

    Raises:
        OSError: The address cannot be listened on.
    """
    listener = _listen(host, port)
    base_url = f"http://{_reachable(host)}:{listener.getsockname()[1]}"
    server = _Server(_config(app))
    # Until it accepts, clients wait in the listener's backlog.
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield base_url
    finally:
        server.stop()
        await task


@contextlib.contextmanager
def serving_in_thread(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve ``app`` in a thread and loop of its own and yield its base URL.

    Raises:
        OSError: The address cannot be listened on.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    server = serving(app, host, port)
    try:
        base_url = _result(server.__aenter__(), loop)
        try:
            yield base_url
        finally:
            _result(server.__aexit__(None, None, None), loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Protocol(H11Protocol):
    """Adds the connection to the state of its requests, so that faults can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """Leaves signals to the program, and stops at once, without waiting for clients."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in sockets or ():
            asyncio.get_running_loop().remove_reader(listening)
        # A connection that was accepted just now is known to the server only some turns later, and
        # leaks if the listener is closed before.
        for _ in range(_TURNS_UNTIL_CONNECTED):
            await asyncio.sleep(0)
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # The loop calls ``connection_lost`` of the connections, which ends their requests.
        await asyncio.sleep(0)
        await _end(set(self.server_state.tasks))


async def _end(requests: set[asyncio.Task[None]]) -> None:
    if not requests:
        return
    _, unmoved = await asyncio.wait(requests, timeout=_REQUESTS_END_WITHIN_SECONDS)
    for request in unmoved:
        request.cancel()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        words = f"cannot listen on {_bracketed(host)}:{port}: {error.strerror}"
        raise OSError(error.errno, words) from error
    return listener


def _reachable(host: str) -> str:
    """Return a host that a client on this machine can connect to."""
    return _bracketed({"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _result(work: Coroutine[Any, Any, Result], loop: asyncio.AbstractEventLoop) -> Result:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
