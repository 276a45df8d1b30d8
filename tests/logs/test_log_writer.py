"""Log records are written in their order by a thread; no other thread waits for the stream."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from exporter.logs.writer import _MOST_BYTES, LogWriter
from tests.support.odd_streams import fill, odd_stream
from tests.support.reference import page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SECONDS = 10.0


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(writing)
        os.close(reading)


def started(stream: int, **options: int) -> LogWriter:
    writer = LogWriter(stream, **options)  # type: ignore[arg-type]  # only bounds are given
    writer.start()
    return writer


def lines_read(reading: int, last: str) -> list[str]:
    """Read lines until the last one."""
    with open(reading, closefd=False) as lines:
        found = [next(lines).lstrip(".").rstrip("\n")]
        while found[-1] != last:
            found.append(next(lines).rstrip("\n"))
    return found


def test_records_keep_their_order() -> None:
    """Also those that were written before the thread began."""
    with pipe() as (reading, writing):
        writer = LogWriter(writing)
        expected = [f"record {number}" for number in range(1_000)]
        for record in expected[:100]:
            writer.write(f"{record}\n")
        writer.start()
        for record in expected[100:]:
            writer.write(f"{record}\n")
        assert expected == lines_read(reading, "record 999")
        assert (True, 0) == (writer.drain(SECONDS), writer.dropped)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    """Without a reader nothing waits, and what fitted is written when reading continues."""
    with pipe() as (reading, writing):
        fill(writing)
        writer = started(writing, most_bytes=50)
        for number in range(8):
            writer.write(f"record {number}\n")
        assert 3 == writer.dropped
        expected = [f"record {number}" for number in range(5)]
        assert expected == lines_read(reading, "record 4")
        assert writer.drain(SECONDS)
        writer.write("again\n")
        assert writer.drain(SECONDS)
        assert b"again\n" == os.read(reading, 100)[-6:]


@pytest.mark.parametrize("kind", ["full", "left"])
def test_what_cannot_be_written_is_dropped_and_counted(kind: str) -> None:
    """The disk is full, or the reader has left."""
    with odd_stream(kind) as stream:
        writer = started(stream)
        for number in range(8):
            writer.write(f"record {number}\n")
        assert (True, 8) == (writer.drain(SECONDS), writer.dropped)


def test_a_stream_that_does_not_block_loses_nothing() -> None:
    """Another program that shares a pipe or a terminal may have made it so, as Node.js does."""
    with pipe() as (reading, writing):
        os.set_blocking(writing, False)
        writer = started(writing)
        expected = [f"record {number:0100}" for number in range(2_000)]
        for record in expected:
            writer.write(f"{record}\n")
        assert expected == lines_read(reading, expected[-1])
        assert 0 == writer.dropped


def test_the_documentation_says_how_much_is_kept() -> None:
    """For planning memory."""
    assert f"keeps {_MOST_BYTES // 1024**2} MiB of log lines" in " ".join(page("operation").split())


def test_draining_ends_when_nothing_moves() -> None:
    """A process that ends does not wait for a reader that never comes."""
    with odd_stream("unread") as stream:
        writer = started(stream)
        writer.write("record\n")
        began = time.monotonic()
        assert not writer.drain(0.1)
        assert time.monotonic() - began < SECONDS / 2


def test_draining_waits_until_all_is_written() -> None:
    """However often the reader lets it wait."""
    with pipe() as (reading, writing):
        fill(writing)
        writer = started(writing)
        record = "x" * 60_000
        for _ in range(20):
            writer.write(f"{record}\n")
        drained: list[bool] = []
        draining = threading.Thread(target=lambda: drained.append(writer.drain(SECONDS)))
        draining.start()
        with open(reading, closefd=False) as lines:
            found = [next(lines).lstrip(".").rstrip("\n") for _ in range(20)]
        draining.join(SECONDS)
    assert ([record] * 20, [True]) == (found, drained)


def test_characters_that_the_stream_lacks_are_escaped() -> None:
    """A locale may be ASCII; a lone surrogate is in no encoding."""
    with pipe() as (reading, writing):
        writer = LogWriter(writing, encoding="ascii")
        writer.start()
        writer.write("é \udc80\n")
        assert ["\\xe9 \\udc80"] == lines_read(reading, "\\xe9 \\udc80")


def test_a_record_may_be_queued_in_the_midst_of_another() -> None:
    """As by a finalizer: garbage may be collected anywhere, in the same thread.

    A lock that is not reentrant would never open again.
    """
    with odd_stream("full") as stream:
        writer = started(stream)
        lines = []

        def at_each_line(frame: FrameType, event: str, _argument: object) -> Any:
            if frame.f_code is LogWriter.write.__code__:
                if event == "line":
                    lines.append(frame.f_lineno)
                    writer.write("from a finalizer\n")
                return at_each_line
            return None

        def log() -> None:
            sys.settrace(at_each_line)
            writer.write("record\n")
            sys.settrace(None)

        logging = threading.Thread(target=log, daemon=True)
        logging.start()
        logging.join(SECONDS)
        assert not logging.is_alive()
        assert writer.drain(SECONDS)
    assert 1 + len(lines) == writer.dropped > 1
