"""The standard streams, any of which may be closed or full, or have lost its reader."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


class StandardOutputError(Exception):
    """Standard output cannot be written: the disk is full, or the reader of the pipe has left."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror}")
        self.reader_left = isinstance(error, BrokenPipeError)


def occupy_closed_streams() -> None:
    """Open the null device in place of closed standard streams.

    Must be called before anything else is opened: a file or socket would get the number of a
    closed stream, and log lines could go to a client.
    Text for a closed standard output is discarded. Writes to a closed standard error still fail, so
    that lost log records are counted.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            # This opens the lowest free number, and all below are open.
            os.open(os.devnull, mode)


def write_some(number: int, text: bytes | memoryview) -> int:
    """Write what fits into a stream, after waiting until something fits, and return its length.

    Raises:
        OSError: nothing can be written.
    """
    while True:
        try:
            return os.write(number, text)
        except BlockingIOError:
            # Another program that shares the stream has made it non-blocking.
            _is_writable(number, timeout_ms=None)


def write_output(parts: Iterable[bytes]) -> None:
    """Write to standard output without a buffer, which the interpreter would flush when it ends.

    Raises:
        StandardOutputError: not all could be written.
    """
    try:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[write_some(STANDARD_OUTPUT, rest) :]
    except OSError as error:
        raise StandardOutputError(error) from error


def write_error(text: str) -> None:
    """Write a short text to standard error if that does not block, or else drop it."""
    with suppress(OSError):
        if _is_writable(STANDARD_ERROR, timeout_ms=0):
            os.write(STANDARD_ERROR, encoded(text, sys.stderr))


def encoded(text: str, stream: TextIO | None) -> bytes:
    """Encode a text for a stream, and escape characters that its encoding lacks."""
    return text.encode(encoding_of(stream), "backslashreplace")


def encoding_of(stream: TextIO | None) -> str:
    """Return the encoding that Python found for a stream, UTF-8 for a closed one."""
    return getattr(stream, "encoding", None) or "utf-8"


def _is_writable(number: int, *, timeout_ms: int | None) -> bool:
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    return bool(poll.poll(timeout_ms))
