"""Loading the state file at the start."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from exporter.state.decoding import DamagedStateError, NewerStateError, decode, decode_project
from exporter.state.file import StateFile, StateInUseError, StateTooLargeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from exporter.core.saved import SavedProject

# A project that is no longer configured may come back.
_OTHERS_KEPT_SECONDS = 30 * 86_400.0
_WITHOUT = "the exporter runs without a state, and does not touch the file; "
_IN_USE = _WITHOUT + "give each exporter its own state.file, and restart this one"
_NEWER = _WITHOUT + "start the newer exporter again, or move the file away"
_UNREADABLE = _WITHOUT + "let the exporter's user read and write it, and restart the exporter"
_DAMAGED = "counters begin at zero; the damaged file is kept and may be removed"

log = structlog.get_logger("exporter")


@dataclass(slots=True)
class LoadedState:
    """The ``projects`` of a file by their keys, and ``others``, which are not configured.

    Unless ``may_write``, the exporter does not touch the file.
    """

    file: StateFile
    projects: dict[str, SavedProject] = field(default_factory=dict)
    others: dict[str, bytes] = field(default_factory=dict)
    may_write: bool = True


class _Age(msgspec.Struct):
    saved_at: float


def load_state(path: Path, keys: Iterable[str], former: Mapping[str, str] = {}) -> LoadedState:
    """Load the state of the projects with ``keys``, and log problems.

    A project that is not found continues from its ``former`` key. If several projects have the same
    former key, the first one does.
    """
    state = LoadedState(StateFile(path))
    try:
        # If the file cannot be written, the first write reports it.
        with suppress(OSError):
            state.file.lock()
        content = state.file.read()
        found = None if content is None else decode(content)
    except StateInUseError as error:
        _not_used(state, str(error), _IN_USE)
    except OSError as error:
        _not_used(state, error.strerror or str(error), _UNREADABLE)
    except NewerStateError as error:
        _not_used(state, str(error), _NEWER)
    except (StateTooLargeError, DamagedStateError) as error:
        _rename_damaged(state, str(error))
    else:
        if found is not None:
            _read_projects(state, found, _places(found, keys, former))
    return state


def _places(
    found: Collection[str], keys: Iterable[str], former: Mapping[str, str]
) -> dict[str, str]:
    """Map each key used from the file to the configured project that continues from it."""
    places: dict[str, str] = {}
    for key in keys:
        places.setdefault(key if key in found else former.get(key, key), key)
    return places


def _read_projects(state: LoadedState, found: dict[str, bytes], places: Mapping[str, str]) -> None:
    now = time.time()
    problem = ""
    for key, encoded in found.items():
        try:
            if key in places:
                state.projects[places[key]] = decode_project(encoded)
            elif now - msgspec.json.decode(encoded, type=_Age).saved_at < _OTHERS_KEPT_SECONDS:
                state.others[key] = encoded
        except (DamagedStateError, msgspec.MsgspecError) as error:
            # The other projects are still loaded.
            problem = str(error)
    if problem:
        _rename_damaged(state, problem)
    newest = max((project.saved_at for project in state.projects.values()), default=None)
    log.info(
        "state.loaded",
        file=str(state.file.path),
        projects=len(state.projects),
        jobs=sum(len(project.jobs) for project in state.projects.values()),
        age_seconds=None if newest is None else round(max(now - newest, 0.0), 1),
    )


def _not_used(state: LoadedState, detail: str, advice: str) -> None:
    log.error("state.not_used", file=str(state.file.path), detail=detail, advice=advice)
    state.may_write = False
    state.file.unlock()


def _rename_damaged(state: LoadedState, detail: str) -> None:
    try:
        kept_as = str(state.file.rename_damaged())
    except OSError as error:
        _not_used(state, f"{detail}; it cannot be renamed: {error.strerror}", _UNREADABLE)
        return
    log.error(
        "state.damaged",
        file=str(state.file.path),
        detail=detail,
        kept_as=kept_as,
        advice=_DAMAGED,
    )
