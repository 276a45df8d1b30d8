"""Writing the state of all projects, at most once a second."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from exporter.state.decoding import DamagedStateError, decode_project
from exporter.state.encoding import Encoder
from exporter.state.file import StateInUseError, StateTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.core.saved import SavedProject
    from exporter.state.loading import LoadedState

_LEAST_SECONDS_BETWEEN_WRITES = 1.0
# A busy disk answers in less. The poller publishes at least this often.
_DISK_ANSWERS_WITHIN_SECONDS = 5.0
_ADVICE: Final = (
    "counters are published all the same, and fall back to what was written last if the exporter"
    " is restarted; "
)
_CANNOT = "make the folder of state.file writable, or free its disk: it is tried again"
_HANGS = "see whether the disk or the mount of state.file hangs: it is written once that answers"
_TOO_LARGE = "spread the projects over several exporters"
_NOT_OURS = (
    "the exporter runs without a state, and does not touch the file; give each exporter its own"
    " state.file, and restart this one"
)
_LOST = "the project's counters begin at zero"

log = structlog.get_logger("exporter")


class DiskHangsError(Exception):
    """The disk did not answer in time; the message says so."""


class StateStore:
    """Owns the content of the state file.

    ``written`` is called after each write, with whether it succeeded. One thread encodes and
    writes, so that scrapes never wait for the disk. If the disk does not answer within
    ``answers_within_seconds``, ``save`` returns, and the state is written once the disk answers.
    """

    def __init__(
        self,
        loaded: LoadedState,
        *,
        written: Callable[[bool], None],
        answers_within_seconds: float = _DISK_ANSWERS_WITHIN_SECONDS,
    ) -> None:
        self._file = loaded.file
        self._projects: dict[str, SavedProject | bytes] = {**loaded.others, **loaded.projects}
        self._is_given_up = not loaded.may_write
        self._written = written
        self._answers_within_seconds = answers_within_seconds
        self._encoder = Encoder()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._wanted = asyncio.Event()
        self._next_write = asyncio.Event()
        self._hanging: asyncio.Future[Exception | None] | None = None
        self._failed_before = False
        self._is_running = False
        written(not self._is_given_up)

    def known(self, key: str) -> SavedProject | None:
        """Return the state of a project, ``None`` if there is none; a damaged one is logged."""
        project = self._projects.get(key)
        if not isinstance(project, bytes):
            return project
        try:
            return decode_project(project)
        except DamagedStateError as error:
            detail = str(error)
        log.error("state.damaged", file=str(self._file.path), detail=detail, advice=_LOST)
        return None

    def forget(self, key: str) -> None:
        """Remove the project with this key."""
        self._projects.pop(key, None)

    async def save(self, key: str, project: SavedProject) -> None:
        """Save a project, and wait until it is written, or the write has failed.

        Before ``run`` is called, nothing is written and this returns at once.
        """
        self._projects[key] = project
        if not self._is_running:
            return
        next_write = self._next_write
        self._wanted.set()
        await next_write.wait()

    async def run(self) -> NoReturn:
        """Write what was saved, until cancelled."""
        self._is_running = True
        while True:
            await self._wanted.wait()
            began = time.monotonic()
            await self._write()
            await self._disk_answers()
            rest = _LEAST_SECONDS_BETWEEN_WRITES - (time.monotonic() - began)
            await asyncio.sleep(max(rest, 0.0))

    async def close(self, last: Mapping[str, SavedProject]) -> None:
        """Write for the last time, unless the disk hangs."""
        self._projects |= last
        if self._hanging is None:
            await self._write()
        if self._hanging is None:
            self._file.unlock()

    async def _write(self) -> None:
        self._wanted.clear()
        written, self._next_write = self._next_write, asyncio.Event()
        try:
            if not self._is_given_up:
                await self._attempt()
        finally:
            written.set()

    async def _attempt(self) -> None:
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(self._worker, self._replace, dict(self._projects))
        done, _ = await asyncio.wait([writing], timeout=self._answers_within_seconds)
        if done:
            self._report(writing.result())
            return
        self._hanging = writing
        # The next write begins once this one has ended; ``save`` does not wait for it.
        self._next_write.set()
        seconds = self._answers_within_seconds
        self._report(DiskHangsError(f"the disk has not answered for {seconds:g} s"))

    async def _disk_answers(self) -> None:
        """Wait until a hanging disk answers, and then have the newest state written."""
        if self._hanging is None:
            return
        await asyncio.wait([self._hanging])
        if (error := self._hanging.result()) is not None:
            self._report(error)
        self._hanging = None
        self._wanted.set()

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
            self._is_given_up = True
            log.error("state.not_used", file=file, detail=str(error), advice=_NOT_OURS)
        elif error is not None and not self._failed_before:
            log.error("state.write_failed", file=file, detail=str(error), advice=_advice(error))
        elif error is None and self._failed_before:
            log.info("state.write_recovered", file=file)
        self._failed_before = error is not None


def _advice(error: Exception) -> str:
    match error:
        case DiskHangsError():
            return _ADVICE + _HANGS
        case StateTooLargeError():
            return _ADVICE + _TOO_LARGE
        case _:
            return _ADVICE + _CANNOT
