"""What is saved of all projects, written once a second at most."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

import structlog

from exporter.state.encoding import DamagedStateError, Encoder, decode_project
from exporter.state.file import StateInUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.core.saved import SavedProject
    from exporter.state.loading import LoadedState

_LEAST_SECONDS_BETWEEN_WRITES = 1.0
_ADVICE = (
    "counters are published all the same, and fall back to what was written last if the exporter"
    " is restarted; make the folder of state.file writable, or free its disk: it is tried again"
)
_NOT_OURS = (
    "the exporter runs without a state, and leaves the file alone; let each exporter have a"
    " state.file of its own, and restart this one"
)
_LOST = "the project's counters begin at zero"

log = structlog.get_logger("exporter")


class StateStore:
    """Owns the content of the state file.

    ``written`` is told of each attempt whether it succeeded. One thread encodes and writes, so that
    no scrape waits for the disk.
    """

    def __init__(self, loaded: LoadedState, *, written: Callable[[bool], None]) -> None:
        self._file = loaded.file
        self._identity = loaded.identity
        self._projects: dict[str, SavedProject | bytes] = {**loaded.others, **loaded.projects}
        self._is_given_up = not loaded.may_write
        self._written = written
        self._encoder = Encoder()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._wanted = asyncio.Event()
        self._next_write = asyncio.Event()
        self._failed_before = False
        self._is_running = False
        written(not self._is_given_up)

    def known(self, key: str) -> SavedProject | None:
        """Return what is known of a project; one that cannot be read is none, and is logged."""
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
        """Keep a project no longer under this key."""
        self._projects.pop(key, None)

    async def save(self, key: str, project: SavedProject) -> None:
        """Have a project written, and wait until it is, or could not be.

        Before it runs nothing is written: what was loaded is in the file.
        """
        self._projects[key] = project
        if not self._is_running:
            return
        next_write = self._next_write
        self._wanted.set()
        await next_write.wait()

    async def run(self) -> NoReturn:
        """Write what is to be saved until cancelled."""
        self._is_running = True
        while True:
            await self._wanted.wait()
            began = time.monotonic()
            await self._write()
            rest = _LEAST_SECONDS_BETWEEN_WRITES - (time.monotonic() - began)
            await asyncio.sleep(max(rest, 0.0))

    async def close(self, last: Mapping[str, SavedProject]) -> None:
        """Write once more, and nothing after it."""
        self._projects |= last
        await self._write()
        self._file.unlock()

    async def _write(self) -> None:
        self._wanted.clear()
        written, self._next_write = self._next_write, asyncio.Event()
        projects = dict(self._projects)
        try:
            if not self._is_given_up:
                loop = asyncio.get_running_loop()
                self._tell(await loop.run_in_executor(self._worker, self._replace, projects))
        finally:
            written.set()

    def _replace(self, projects: Mapping[str, SavedProject | bytes]) -> Exception | None:
        """Write the file, and return why that failed, if it did."""
        try:
            self._file.lock()
            if self._file.identity() != self._identity:
                return StateInUseError()
            self._file.replace(self._encoder.encode(projects))
            self._identity = self._file.identity()
        except (OSError, StateInUseError) as error:
            return error
        return None

    def _tell(self, error: Exception | None) -> None:
        self._written(error is None)
        if isinstance(error, StateInUseError):
            self._is_given_up = True
            detail = "another process writes to it"
            log.error("state.not_used", file=str(self._file.path), detail=detail, advice=_NOT_OURS)
        elif error is not None and not self._failed_before:
            log.error(
                "state.write_failed", file=str(self._file.path), detail=str(error), advice=_ADVICE
            )
        elif error is None and self._failed_before:
            log.info("state.write_recovered", file=str(self._file.path))
        self._failed_before = error is not None
