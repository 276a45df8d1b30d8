"""The state of all projects: loaded at the start, and written at most once a second."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import msgspec
import structlog

from exporter.state.decoding import DamagedStateError, NewerStateError, decode, decode_project
from exporter.state.file import StateFile, StateInUseError, StateTooLargeError
from exporter.state.writer import IN_USE, StateWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from exporter.core.saved import SavedProject

_LEAST_SECONDS_BETWEEN_WRITES = 1.0
# A busy disk answers in less. The poller publishes at least this often.
_DISK_ANSWERS_WITHIN_SECONDS = 5.0
# A project that is no longer configured may come back.
_OTHERS_KEPT_SECONDS = 30 * 86_400.0
_NEWER = "start the newer exporter again, or move the file away"
_UNREADABLE = "let the exporter's user read and write it, and restart the exporter"
_DAMAGED = "counters begin at zero; the damaged file is kept and may be removed"
_LOST = "the project's counters begin at zero"

log = structlog.get_logger("exporter")


class _Age(msgspec.Struct):
    saved_at: float


class StateStore:
    """Owns the content of the state file; projects that are not configured stay encoded."""

    def __init__(self, file: StateFile, writer: StateWriter) -> None:
        self._file = file
        self._writer = writer
        self._projects: dict[str, SavedProject | bytes] = {}
        self._wanted = asyncio.Event()
        self._next_write = asyncio.Event()
        self._is_running = False

    @classmethod
    def open(
        cls,
        path: Path,
        keys: Iterable[str],
        former: Mapping[str, str],
        *,
        written: Callable[[bool], None],
        answers_within_seconds: float = _DISK_ANSWERS_WITHIN_SECONDS,
    ) -> StateStore:
        """Lock the file, load the state of the projects with ``keys``, and log problems.

        A project that is not found continues from its ``former`` key. If several projects have the
        same former key, the first one does. ``written`` is called now and after each write, with
        whether the file can be used. If the disk does not answer within ``answers_within_seconds``,
        ``save`` returns, and the state is written once the disk answers.
        """
        file = StateFile(path)
        writer = StateWriter(file, written, answers_within_seconds)
        store = cls(file, writer)
        if (found := store._read()) is not None:
            store._load(found, _places(found, keys, former))
        written(not writer.is_given_up)
        return store

    def known(self, key: str) -> SavedProject | None:
        """Return the state of a project, ``None`` if there is none; a damaged one is logged."""
        project = self._projects.get(key)
        try:
            return decode_project(project) if isinstance(project, bytes) else project
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
            if await self._writer.disk_answers():
                self._wanted.set()
            rest = _LEAST_SECONDS_BETWEEN_WRITES - (time.monotonic() - began)
            await asyncio.sleep(max(rest, 0.0))

    async def close(self, last: Mapping[str, SavedProject]) -> None:
        """Write for the last time, unless the disk hangs."""
        self._projects |= last
        await self._write()
        if self._writer.hanging is None:
            self._file.unlock()

    async def _write(self) -> None:
        self._wanted.clear()
        written, self._next_write = self._next_write, asyncio.Event()
        try:
            await self._writer.write(self._projects)
        finally:
            written.set()
        if self._writer.hanging is not None:
            # The next write begins once this one has ended; ``save`` does not wait for it.
            self._next_write.set()

    def _read(self) -> dict[str, bytes] | None:
        """Return the encoded projects of the file, ``None`` if there is none or it is not used."""
        try:
            # If the file cannot be written, the first write reports it.
            with suppress(OSError):
                self._file.lock()
            content = self._file.read()
            return None if content is None else decode(content)
        except StateInUseError as error:
            self._not_used(str(error), IN_USE)
        except OSError as error:
            self._not_used(error.strerror or str(error), _UNREADABLE)
        except NewerStateError as error:
            self._not_used(str(error), _NEWER)
        except (StateTooLargeError, DamagedStateError) as error:
            self._rename_damaged(str(error))
        return None

    def _load(self, found: Mapping[str, bytes], places: Mapping[str, str]) -> None:
        now = time.time()
        projects: dict[str, SavedProject] = {}
        problem = ""
        for key, encoded in found.items():
            try:
                if key in places:
                    projects[places[key]] = decode_project(encoded)
                elif now - msgspec.json.decode(encoded, type=_Age).saved_at < _OTHERS_KEPT_SECONDS:
                    self._projects[key] = encoded
            except (DamagedStateError, msgspec.MsgspecError) as error:
                # The other projects are still loaded.
                problem = str(error)
        self._projects |= projects
        if problem:
            self._rename_damaged(problem)
        newest = max((project.saved_at for project in projects.values()), default=None)
        log.info(
            "state.loaded",
            file=str(self._file.path),
            projects=len(projects),
            jobs=sum(len(project.jobs) for project in projects.values()),
            age_seconds=None if newest is None else round(max(now - newest, 0.0), 1),
        )

    def _not_used(self, detail: str, advice: str) -> None:
        self._writer.give_up(detail, advice)
        self._file.unlock()

    def _rename_damaged(self, detail: str) -> None:
        file = str(self._file.path)
        try:
            kept_as = str(self._file.rename_damaged())
        except OSError as error:
            self._not_used(f"{detail}; it cannot be renamed: {error.strerror}", _UNREADABLE)
            return
        log.error("state.damaged", file=file, detail=detail, kept_as=kept_as, advice=_DAMAGED)


def _places(
    found: Collection[str], keys: Iterable[str], former: Mapping[str, str]
) -> dict[str, str]:
    """Map each key used from the file to the configured project that continues from it."""
    places: dict[str, str] = {}
    for key in keys:
        places.setdefault(key if key in found else former.get(key, key), key)
    return places
