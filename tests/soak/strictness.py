"""Strict parsers of both forms, in a process of their own: they are slower than the exporter."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


def count_samples(text: str, form: str) -> int:
    """Read an exposition with a strict parser and count its samples, each of which comes once."""
    from prometheus_client import parser  # noqa: PLC0415 - the other process alone needs them
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
    """Reads one exposition after the other; what comes while it is busy is not read by it."""

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
        """End the process."""
        self._processes.shutdown(cancel_futures=True)

    def offer(self, text: str, form: str, expected: int) -> None:
        """Have ``text`` read, if the one before is; it must have ``expected`` samples."""
        if self._reading is not None and not self._reading.done():
            return
        self.conclude()
        self._expected = expected
        self._reading = self._processes.submit(count_samples, text, form)

    def conclude(self) -> None:
        """Wait until what was taken is read; raise if it is not as it must be."""
        if self._reading is not None:
            number, self._reading = self._reading.result(), None
            assert self._expected == number
            self.times_read += 1


def _stay_behind() -> None:
    """Leave interrupts, and the machine if it is busy, to the soak."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
