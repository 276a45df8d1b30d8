"""uvicorn's HTTP/1.1, with an end to every wait."""

from __future__ import annotations

import contextlib
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.server.parser import UnambiguousParser

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.server import ServerState

    from exporter.server.crowd import Crowd
    from exporter.server.limits import Limits

_REFUSALS = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: b"The request line and headers are too long.\n",
    HTTPStatus.NOT_IMPLEMENTED: b"This transfer coding is not known here.\n",
}
_NO_HTTP = b"This is not an HTTP/1.1 request.\n"
# Closing with bytes unread would reset the connection, and the client not see why.
_REFUSED_MAY_SEND_ON_SECONDS = 1.0


class ClientConnection(H11Protocol):
    """One connection; whatever it waits for ends in time, and nothing a client does is logged.

    A client that ends its side after asking is answered, and ``client_ended`` in the scope's state
    tells that: nobody can tell any more whether it still reads. ``is_closing`` tells there whether
    the connection is lost or about to be closed, and ``dismiss`` closes it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
        crowd: Crowd,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = UnambiguousParser(h11.SERVER)
        self._limits = limits
        self._crowd = crowd
        self._deadline: asyncio.TimerHandle | None = None
        self._ignores_input = False
        self._client_ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for the client, and give it the time for a request's head."""
        super().connection_made(transport)
        self._crowd.enter(self)
        self._must_go_on_within(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hold nothing any more, however the connection ended."""
        super().connection_lost(exc)
        # They refer to each other: without this they would wait for a full garbage collection.
        self.cycle = None  # type: ignore[assignment]
        self._crowd.leave(self)
        self._may_take_its_time()
        # uvicorn lets it run, and hold the connection in memory, where the client reset it.
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Give a request that begins the time for its head."""
        if self._ignores_input:
            return
        if self._deadline is None:
            self._must_go_on_within(self._limits.head_seconds)
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for the answer that is under way."""
        if not self._is_answering():
            return False
        self._client_ended = True
        return True

    def handle_events(self) -> None:
        """Give an answer that begins its time."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            state = self.cycle.scope["state"]
            state["dismiss"], state["is_closing"] = self.dismiss, self.transport.is_closing
            state["client_ended"] = lambda: self._client_ended
            self._crowd.asks(self)
            self._must_go_on_within(self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request, and for the rest of this one if there is more of it."""
        answered = self.cycle
        super().on_response_complete()
        if self.cycle is not answered:
            return
        self._crowd.was_answered(self)
        if self._client_ended:
            self.transport.close()
        if self.transport.is_closing() or self._ignores_input:
            return  # What is still to be sent must be taken in the time that runs.
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self._may_take_its_time()
        else:
            self._must_go_on_within(self._limits.head_seconds)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words for all cases
        """Refuse what is no HTTP, unless it follows a request that is: that one is answered."""
        self._ignores_input = True
        if self._is_answering():
            self.cycle.keep_alive = False
        elif self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            # uvicorn calls this where it handles the error, and does not hand it over.
            self._refuse(getattr(sys.exception(), "error_status_hint", HTTPStatus.BAD_REQUEST))
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Leave when the answer under way has ended, or at once."""
        if self._is_answering():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, also if the client never took the last answer."""
        self.dismiss()

    def dismiss(self) -> None:
        """Close the connection, whether or not the client took what was sent."""
        self.transport.abort()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _must_go_on_within(self, seconds: float) -> None:
        self._may_take_its_time()
        self._deadline = self.loop.call_later(seconds, self.dismiss)

    def _may_take_its_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        words = _REFUSALS.get(HTTPStatus(status), _NO_HTTP)
        headers = [
            *self.server_state.default_headers,
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(words)).encode()),
            (b"X-Content-Type-Options", b"nosniff"),
            (b"Connection", b"close"),
        ]
        reason = HTTPStatus(status).phrase.encode()
        for event in (
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.Data(data=words),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        # A client that reset the connection is told of in the loop's next turn.
        with contextlib.suppress(OSError):
            self.transport.write_eof()
        self._must_go_on_within(_REFUSED_MAY_SEND_ON_SECONDS)
