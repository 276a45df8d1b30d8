"""Decoding the content of a state file, which may be damaged."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec

from exporter.core.saved import SavedCounters, SavedProject
from exporter.domain import Histogram
from exporter.state.encoding import FORMAT, VERSION, Head

if TYPE_CHECKING:
    from collections.abc import Iterator

# The largest integer that a float, and so a sample, holds exactly.
_LARGEST = 2**53
# Checking each number takes as long as decoding them: check only if one may be too large.
_LARGE = re.compile(rb"[:,\[\s]-?[0-9]{16}")


class DamagedStateError(Exception):
    """The file is not a complete state file; the message says what is wrong."""


class NewerStateError(Exception):
    """The file was written by a newer exporter; the message says so."""


class _Body(msgspec.Struct):
    projects: dict[str, msgspec.Raw]


def decode(content: bytes) -> dict[str, bytes]:
    """Return the projects of a file, each encoded.

    Raises:
        DamagedStateError: the file is damaged, or not a state file.
        NewerStateError: the file has a newer version.
    """
    first, _, body = content.partition(b"\n")
    try:
        head = msgspec.json.decode(first, type=Head)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedStateError("it does not begin like a state file") from error
    if head.format != FORMAT:
        raise DamagedStateError("it does not begin like a state file")
    if head.version > VERSION:
        raise NewerStateError(
            f"it was written by a newer exporter (version {head.version} of the file, this one"
            f" reads up to {VERSION})"
        )
    if hashlib.sha256(body).hexdigest() != head.sha256:
        raise DamagedStateError("its checksum is wrong: it is cut off, or was changed")
    try:
        projects = msgspec.json.decode(body, type=_Body).projects
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedStateError(f"it cannot be read: {error}") from error
    return {key: bytes(project) for key, project in projects.items()}


def decode_project(encoded: bytes) -> SavedProject:
    """Return a project of a file.

    Raises:
        DamagedStateError: the project is damaged.
    """
    try:
        project = msgspec.json.decode(encoded, type=SavedProject)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DamagedStateError(f"it cannot be read: {error}") from error
    if not all(job_id == tracked.job.id for job_id, tracked in project.jobs.items()):
        raise DamagedStateError("it cannot be read: a job is called by another id")
    if _LARGE.search(encoded) and not _fit(msgspec.json.decode(encoded)):
        raise DamagedStateError("it cannot be read: a number is too large")
    if not all(map(_may_be, _values(project.counters))):
        raise DamagedStateError("it cannot be read: a counter has a value that cannot be")
    return project


def _fit(value: Any) -> bool:  # noqa: ANN401 - any JSON
    """Return whether no integer in a JSON document is too large."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, int) and abs(value) > _LARGEST:
            return False
    return True


def _values(value: Any) -> Iterator[Any]:  # noqa: ANN401 - counters, nested by their labels
    if isinstance(value, dict):
        for member in value.values():
            yield from _values(member)
    elif isinstance(value, SavedCounters):
        for field in fields(value):
            yield from _values(getattr(value, field.name))
    else:
        yield value


def _may_be(value: int | Histogram) -> bool:
    """Return whether a value is possible for a counter or a histogram."""
    if isinstance(value, Histogram):
        fits = len(value.counts) == len(value.bounds) + 1
        return fits and value.sum >= 0 and all(map(_may_be, value.counts))
    return 0 <= value <= _LARGEST
