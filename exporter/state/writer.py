"""Writing the state file, without waiting for a disk that hangs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import structlog

from exporter.state.encoding import Encoder
from exporter.state.file import StateInUseError, StateTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.core.saved import SavedProject
    from exporter.state.file import StateFile

_WITHOUT = "the exporter runs without a state, and does not touch the file; "
IN_USE: Final = "give each exporter its own state.file, and restart this one"
_FAILED = (
    "counters are published all the same, and fall back to what was written last if the exporter"
    " is restarted; "
)
_CANNOT = "make the folder of state.file writable, or free its disk: it is tried again"
_HANGS = "see whether the disk or the mount of state.file hangs: it is written once that answers"
_TOO_LARGE = "spread the projects over several exporters"

log = structlog.get_logger("exporter")


class DiskHangsError(Exception):
    """The disk did not answer in time; the message says so."""


class StateWriter:
    """Writes the state file in one thread, so that scrapes never wait for the disk.

    ``written`` is called after each write, with whether it succeeded. ``hanging`` is a write to
    which the disk has not answered in time.
    """

    def __init__(
        self, file: StateFile, written: Callable[[bool], None], answers_within_seconds: float
    ) -> None:
        self.is_given_up = False
        self._file = file
        self._written = written
        self._answers_within_seconds = answers_within_seconds
        self._encoder = Encoder()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="state")
        self.hanging: asyncio.Future[Exception | None] | None = None
        self._failed_before = False

    def give_up(self, detail: str, advice: str) -> None:
        """Log why the file is not used, and write it no more."""
        self.is_given_up = True
        file = str(self._file.path)
        log.error("state.not_used", file=file, detail=detail, advice=_WITHOUT + advice)

    async def write(self, projects: Mapping[str, SavedProject | bytes]) -> None:
        """Write the file unless it was given up or hangs, and log problems.

        If the disk does not answer in time, this returns before the file is written.
        """
        if self.is_given_up or self.hanging is not None:
            return
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._worker, self._replace, dict(projects))
        done, _ = await asyncio.wait([writing], timeout=self._answers_within_seconds)
        if done:
            self._report(writing.result())
            return
        self.hanging = writing
        seconds = self._answers_within_seconds
        self._report(DiskHangsError(f"the disk has not answered for {seconds:g} s"))

    async def disk_answers(self) -> bool:
        """Wait until the disk answers, and return whether it hung."""
        if self.hanging is None:
            return False
        await asyncio.wait([self.hanging])
        if (error := self.hanging.result()) is not None:
            self._report(error)
        self.hanging = None
        return True

    def _replace(self, projects: Mapping[str, SavedProject | bytes]) -> Exception | None:
        """Write the file, and return why that failed, if it did."""
        try:
            self._file.claim()
            self._file.replace(self._encoder.encode(projects))
        except (OSError, StateInUseError, StateTooLargeError) as error:
            return error
        return None

    def _report(self, error: Exception | None) -> None:
        self._written(error is None)
        file = str(self._file.path)
        if isinstance(error, StateInUseError):
            self.give_up(str(error), IN_USE)
        elif error is not None and not self._failed_before:
            log.error("state.write_failed", file=file, detail=str(error), advice=_advice(error))
        elif error is None and self._failed_before:
            log.info("state.write_recovered", file=file)
        self._failed_before = error is not None


def _advice(error: Exception) -> str:
    match error:
        case DiskHangsError():
            return _FAILED + _HANGS
        case StateTooLargeError():
            return _FAILED + _TOO_LARGE
        case _:
            return _FAILED + _CANNOT
