"""Strict parsers of both formats, in a separate process because they are slow."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


def count_samples(text: str, form: str) -> int:
    """Parse an exposition strictly and count its samples, each of which must be unique."""
    from prometheus_client import parser  # noqa: PLC0415 - only the other process needs them
    from prometheus_client.openmetrics import parser as openmetrics  # noqa: PLC0415

    strict: Any = openmetrics if form == "openmetrics" else parser
    seen = [
        (sample.name, frozenset(sample.labels.items()))
        for family in strict.text_string_to_metric_families(text)
        for sample in family.samples
    ]
    assert len(set(seen)) == len(seen), "a series comes twice"
    return len(seen)


class StrictReader:
    """Parses one exposition after the other, and skips those that come while it is busy."""

    def __init__(self) -> None:
        self._processes = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _stay_behind)
        self._reading: Future[int] | None = None
        self._expected = 0
        self.times_read = 0

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process."""
        self._processes.shutdown(cancel_futures=True)

    def offer(self, text: str, form: str, expected: int) -> None:
        """Parse ``text`` unless the process is busy; it must have ``expected`` samples."""
        if self._reading is not None and not self._reading.done():
            return
        self.conclude()
        self._expected = expected
        self._reading = self._processes.submit(count_samples, text, form)

    def conclude(self) -> None:
        """Wait for the last parse; raise if a text was not valid."""
        if self._reading is not None:
            number, self._reading = self._reading.result(), None
            assert self._expected == number
            self.times_read += 1


def _stay_behind() -> None:
    """Ignore interrupts, and run at low priority."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
