"""One client's connection: uvicorn's HTTP/1.1, with a deadline for each step."""

from __future__ import annotations

import contextlib
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn import Config
    from uvicorn.server import ServerState

    from exporter.server.clients import Clients
    from exporter.server.limits import Limits

_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
# Over TLS asyncio would keep eight times that for each client that reads nothing.
_WRITE_BUFFER_BYTES = 64 * 1024
# Closing with bytes unread would reset the connection before the client has read the refusal.
_REFUSED_MAY_SEND_SECONDS = 1.0


class _Parser(h11.Connection):
    """Refuses requests that give the length of their body in two ways (RFC 9112, 6.1).

    A proxy may use one length and this server the other: a client could then smuggle in another
    request.
    """

    def next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request) and {name for name, _ in event.headers} >= _LENGTHS:
            raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
        return event


class ClientConnection(H11Protocol):
    """One connection, stored as ``connection`` in the state of each request's scope.

    Over TLS, ``admits`` decides by the client's certificate, ``None`` without one, whether the
    connection stays open. Nothing that a client does is logged. A client that closes its sending
    side after a request is still answered, except over TLS, where asyncio has no half-close.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        limits: Limits,
        clients: Clients,
        admits: Callable[[dict[str, Any] | None], bool] | None = None,
    ) -> None:
        super().__init__(config, server_state, {"connection": self})
        self.conn = _Parser(h11.SERVER)
        self._limits = limits
        self._clients = clients
        self._admits = admits
        self._wire: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ignores_input = False
        self.client_ended = False

    def accepted(self, wire: asyncio.Transport) -> None:
        """Count the client, and start its deadline; over TLS before the handshake."""
        self._wire = wire
        self._clients.add(self)
        self._set_deadline(self._limits.head_seconds)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin HTTP, over TLS after the handshake."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(_WRITE_BUFFER_BYTES)
        if self._wire is None:
            self.accepted(transport)
        if self._admits is not None and not self._admits(transport.get_extra_info("peercert")):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything, however the connection ended."""
        super().connection_lost(exc)
        # They refer to each other: without this, only a full garbage collection would free them.
        self.cycle = None  # type: ignore[assignment]
        self.app_state = {}
        self.lost()
        # After a reset, uvicorn keeps its timer, and thereby the connection in memory.
        self._unset_keepalive_if_required()

    def lost(self) -> None:
        """Stop counting the client; over TLS perhaps before HTTP began."""
        self._clients.remove(self)
        self._clear_deadline()

    def data_received(self, data: bytes) -> None:
        """Start the deadline for a request's head with its first byte."""
        if self._ignores_input:
            return
        if self._deadline is None:
            self._set_deadline(self._limits.head_seconds)
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open for the answer under way, where that is possible."""
        self.client_ended = self._is_answering() and self.transport.can_write_eof()
        return self.client_ended

    def handle_events(self) -> None:
        """Start the deadline of an answer that begins."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._clients.set_answering(self, answering=True)
            self._set_deadline(self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of this one if it is not complete."""
        answered = self.cycle
        super().on_response_complete()
        if self.cycle is not answered:
            return
        self._clients.set_answering(self, answering=False)
        if self.client_ended:
            self.transport.close()
        if self.transport.is_closing() or self._ignores_input:
            return  # The client must receive the rest before the answer's deadline.
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._clear_deadline()
        else:
            self._set_deadline(self._limits.head_seconds)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words for all cases
        """Refuse what is no HTTP; an answer under way is sent first, and no other follows."""
        self._ignores_input = True
        if self._is_answering():
            self.cycle.keep_alive = False
        elif self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            # uvicorn calls this while it handles the error, but does not pass it.
            self._refuse(getattr(sys.exception(), "error_status_hint", HTTPStatus.BAD_REQUEST))
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Close the connection when the answer under way has ended, or at once."""
        if self._is_answering():
            self.cycle.keep_alive = False
        elif transport := self.transport or self._wire:
            transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if the client never received the last answer."""
        self.abort()

    def abort(self) -> None:
        """Close the connection at once; what was not sent yet is dropped."""
        if self._wire is not None:
            self._wire.abort()

    def is_closing(self) -> bool:
        """Return whether the connection is lost or about to be closed."""
        # Over TLS, the transport of Python 3.11 does not know that the one beneath is closing.
        is_lost = self._wire is not None and self._wire.is_closing()
        return is_lost or self.transport.is_closing()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _set_deadline(self, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self.abort)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        phrase = HTTPStatus(status).phrase.encode()
        headers = [
            *self.server_state.default_headers,
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(phrase) + 1).encode()),
            (b"X-Content-Type-Options", b"nosniff"),
            (b"Connection", b"close"),
        ]
        head = h11.Response(status_code=status, headers=headers, reason=phrase)
        for event in (head, h11.Data(data=phrase + b"\n"), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if self.transport.can_write_eof():
            # The loop reports a connection that the client has reset in its next turn.
            with contextlib.suppress(OSError):
                self.transport.write_eof()
        self._set_deadline(_REFUSED_MAY_SEND_SECONDS)
