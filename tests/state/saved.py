"""A project that was saved, for tests of the state file."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from history import HOUR, History, counts, job

from exporter.core.saved import SavedProject, saved_project
from exporter.domain import JobStatus

if TYPE_CHECKING:
    from pathlib import Path

KEY = "https://h:443 id p-1"


def saved(*, unix_now: float | None = None, failed: int = 3) -> SavedProject:
    """Return a project that has an active job with some failed items, and one that has ended."""
    history = History()
    history.listing(job("active"), job("ended", created_at=None))
    history.count("active", counts(failed=failed, processing=7))
    history.at(30.0).listing(job("active"), job("ended", status=JobStatus.COMPLETED))
    history.count("ended", counts(completed=10))
    history.at(HOUR / 2)
    return saved_project(
        history.table, history.moment, time.time() if unix_now is None else unix_now
    )


def names_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}
