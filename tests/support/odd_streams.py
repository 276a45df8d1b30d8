"""Standard streams that are closed, full, or without a reader."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 4096
STREAMS = ("closed", "full", "left", "unread")


@contextmanager
def odd_stream(kind: str) -> Iterator[int]:
    """Open a stream for a process: ``full``, ``left`` by its reader, or ``unread`` by it.

    A ``closed`` stream is opened as well, and the command of ``closing`` closes it.
    """
    if kind in {"full", "closed"}:
        stream = os.open("/dev/full", os.O_WRONLY)
        try:
            yield stream
        finally:
            os.close(stream)
    else:
        reading, writing = os.pipe()
        if kind == "left":
            os.close(reading)
        else:
            fill(writing)
        try:
            yield writing
        finally:
            os.close(writing)
            if kind != "left":
                os.close(reading)


def fill(writing: int) -> None:
    """Write into a pipe until it is full."""
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PAGE)
    # Opened again, so that the other writer's stream stays blocking.
    ours = os.open(f"/proc/self/fd/{writing}", os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(ours, b"." * _PAGE)
    os.close(ours)


def closing(number: int, command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command that runs another command without one of its standard streams."""
    return ("sh", "-c", f'exec "$@" {number}>&-', "sh", *command)
