"""Checks that httpcore lacks: no bytes after an answer, and no endless interim answers.

The classes wrap httpcore's network backend and streams, and have the same interfaces.
"""

from __future__ import annotations

import re
import ssl
from importlib.metadata import version
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from exporter.llamacloud.errors import BadEnvironmentError, NetworkFailed

if TYPE_CHECKING:
    from h11 import Connection as Parser
    from httpcore import AsyncNetworkBackend, AsyncNetworkStream

# Servers send one or two (100 Continue, 103 Early Hints). Reading each costs as much as an answer.
_MOST_INTERIM_ANSWERS: Final = 10
_STATUS_LINE = re.compile(rb"\nHTTP/\d\.\d (\d)\d\d")
# One byte less than what ``_STATUS_LINE`` needs.
_TAIL_BYTES: Final = len(b"\nHTTP/1.1 10")
# The parser is private to httpcore. If a version names an attribute differently, no connection is
# used twice.
_PARSER = attrgetter("stream._stream._httpcore_stream._stream._connection._h11_state")


def guard(client: Any) -> None:  # noqa: ANN401 - httpx's
    """Guard all connections that a client of httpx will open.

    Raises:
        BadEnvironmentError: the installed versions of httpx and httpcore are built otherwise.
    """
    # httpx has no public way. A transport is None for hosts that the environment excludes.
    try:
        for transport in filter(None, (client._transport, *client._mounts.values())):  # noqa: SLF001
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = GuardedBackend(pool._network_backend)  # noqa: SLF001
    except AttributeError as error:
        # Unguarded connections could give one project the answers to another.
        installed = ", ".join(f"{name} {version(name)}" for name in ("httpx", "httpcore"))
        advice = "install the versions that requirements.lock names"
        raise BadEnvironmentError(installed, advice) from error


def answer_begins(answer: Any) -> None:  # noqa: ANN401 - httpx's
    """Notify a guarded connection that the status and headers of an answer were received."""
    connection = answer.extensions["network_stream"]
    # After a change of protocol the stream is another one, which is closed afterwards anyway.
    if isinstance(connection, GuardedStream):
        try:
            connection.answer_begins(_PARSER(answer))
        except AttributeError:
            connection.answer_begins(None)


class GuardedBackend:
    """Opens connections, each of them guarded."""

    def __init__(self, backend: AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *args: Any, **options: Any) -> GuardedStream:  # noqa: ANN401 - httpcore's
        """Connect as httpcore's own backend does."""
        return GuardedStream(await self._backend.connect_tcp(*args, **options))


class GuardedStream:
    """A connection that is not used again if a byte came after the end of the answer.

    Such a byte may begin the answer to another request. Bytes that arrive after the next request
    was sent cannot be distinguished from its answer.
    """

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream
        self._parser: Parser | None = None
        self._awaits_answer = True
        self._interim_answers = 0
        self._tail = b"\n"

    def answer_begins(self, parser: Parser | None) -> None:
        """Note that an answer begins; without its ``parser`` the connection is not used again."""
        self._parser = parser
        self._awaits_answer = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Receive bytes.

        Raises:
            NetworkFailed: there were too many interim answers (1xx) before the answer.
        """
        data = await self._stream.read(max_bytes, timeout)
        if self._awaits_answer:
            self._count_interim_answers(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send a part of a request."""
        self._awaits_answer, self._interim_answers, self._tail = True, 0, b"\n"
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **options: Any) -> GuardedStream:  # noqa: ANN401 - httpcore's
        """Return a connection over this one that is encrypted."""
        return GuardedStream(await self._stream.start_tls(*args, **options))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        """Return ``info``; httpcore closes an idle connection that ``is_readable``."""
        value = self._stream.get_extra_info(info)
        return (value or self._holds_unread_bytes()) if info == "is_readable" else value

    def _holds_unread_bytes(self) -> bool:
        if self._parser is None or self._parser.trailing_data[0]:
            return True
        tls = self._stream.get_extra_info("ssl_object")
        if tls is None:
            return False
        try:
            tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True
        return True

    def _count_interim_answers(self, data: bytes) -> None:
        received = self._tail + data
        for status in _STATUS_LINE.finditer(received):
            if status[1] != b"1":
                # A body follows, which may contain anything.
                self._awaits_answer = False
                break
            self._interim_answers += 1
        self._tail = received[-_TAIL_BYTES:]
        if self._interim_answers > _MOST_INTERIM_ANSWERS:
            raise NetworkFailed(
                f"more than {_MOST_INTERIM_ANSWERS} interim answers (1xx) before an answer"
            )
