"""A project for tests of the state file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.core.saved import saved_project
from exporter.domain import JobStatus
from exporter.state.decoding import decode, decode_project
from exporter.state.encoding import Encoder
from tests.support.history import HOUR, History, counts, job

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.core.saved import SavedProject

KEY = "https://h:443 id p-1"


def saved(*, unix_now: float | None = None, failed: int = 3) -> SavedProject:
    """Return a project with an active job that has failed items, and an ended one."""
    history = History()
    history.listing(job("active"), job("ended", created_at=None))
    history.count("active", counts(failed=failed, processing=7))
    history.at(30.0).listing(job("active"), job("ended", status=JobStatus.COMPLETED))
    history.count("ended", counts(completed=10))
    history.at(HOUR / 2)
    return saved_project(
        history.table, history.moment, time.time() if unix_now is None else unix_now
    )


def reread(project: SavedProject) -> SavedProject:
    """Return the state that another process reads from a file."""
    content = b"".join(Encoder().encode({"here": project}))
    return decode_project(decode(content)["here"])


def names_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}
