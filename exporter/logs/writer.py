"""Writing log records in their own thread, so that nothing else waits for standard error."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from exporter.logs.standard_streams import STANDARD_ERROR, encoding_of, write_some

if TYPE_CHECKING:
    from collections.abc import Sequence

# About 10,000 records, as many as a first listing of 10,000 jobs logs at once.
_MOST_BYTES = 4 * 1024 * 1024
# While the event loop computes, the thread gets a turn once a millisecond. In one turn it must be
# able to write more than the loop logs meanwhile.
_BYTES_AT_ONCE = 64 * 1024
# Less than the second and a half after which SIGTERM ends the process anyway.
_PATIENCE_SECONDS = 1.0


class LogWriter:
    """A text stream that never blocks and never raises: a bounded queue, and a thread that writes.

    Records keep their order. A record that does not fit into the queue, or cannot be written, is
    dropped; ``dropped`` counts them.
    """

    def __init__(
        self,
        stream: int = STANDARD_ERROR,
        *,
        encoding: str = "utf-8",
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._stream = stream
        self._encoding = encoding
        self._most_bytes = most_bytes
        self._records: deque[bytes] = deque()
        # Includes the records that are being written.
        self._bytes = 0
        self._line_is_torn = False
        # Reentrant: a garbage collection during `write` may log as well, in the same thread.
        lock = threading.RLock()
        self._queued, self._written = threading.Condition(lock), threading.Condition(lock)
        self.dropped = 0

    @classmethod
    def to_standard_error(cls) -> LogWriter:
        """Start a writer to standard error, in the encoding that Python found for it."""
        writer = cls(encoding=encoding_of(sys.stderr))
        writer.start()
        return writer

    def start(self) -> None:
        """Start the thread, which also writes what was queued before."""
        threading.Thread(target=self._run, name="log-writer", daemon=True).start()

    def write(self, record: str) -> None:
        """Queue one record, its line break included."""
        encoded = record.encode(self._encoding, "backslashreplace")
        with self._queued:
            if self._bytes + len(encoded) > self._most_bytes:
                self.dropped += 1
                return
            self._records.append(encoded)
            self._bytes += len(encoded)
            self._queued.notify()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return os.isatty(self._stream)

    def drain(self, patience_seconds: float = _PATIENCE_SECONDS) -> bool:
        """Wait until all is written or dropped; give up if nothing is for this many seconds."""
        with self._written:
            while self._bytes:
                if not self._written.wait(patience_seconds):
                    return False
        return True

    def _run(self) -> None:
        while True:
            records = self._next_records()
            lost = self._write(records)
            with self._written:
                self._bytes -= sum(map(len, records))
                self.dropped += lost
                self._written.notify_all()

    def _next_records(self) -> Sequence[bytes]:
        with self._queued:
            while not self._records:
                self._queued.wait()
            records = [self._records.popleft()]
            length = len(records[0])
            while self._records and length + len(self._records[0]) <= _BYTES_AT_ONCE:
                records.append(self._records.popleft())
                length += len(records[-1])
            return records

    def _write(self, records: Sequence[bytes]) -> int:
        """Write records and return how many were lost."""
        # The next record must not continue a line that was written in part.
        rest = memoryview(b"\n" * self._line_is_torn + b"".join(records))
        try:
            while rest:
                rest = rest[write_some(self._stream, rest) :]
        except OSError:
            return self._lost(records, len(rest))
        self._line_is_torn = False
        return 0

    def _lost(self, records: Sequence[bytes], unwritten_bytes: int) -> int:
        lost = 0
        for record in reversed(records):
            if unwritten_bytes <= 0:
                break
            lost += 1
            unwritten_bytes -= len(record)
        # Negative within a record; 1 if the line break after a torn line is missing as well.
        self._line_is_torn = unwritten_bytes != 0
        return lost
