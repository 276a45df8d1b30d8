"""Comparing ids of projects and directories, which LlamaCloud writes with and without a prefix."""

from __future__ import annotations

import re

# ``7c1d...``, ``proj-7c1d...`` and ``prj-7c1d...`` are one project.
_UUID = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])",
    re.ASCII | re.IGNORECASE,
)


def bare_id(text: str) -> str:
    """Return the UUID of an id without its prefix; an id without a UUID stays as it is."""
    found = _UUID.search(text)
    return found.group() if found else text


def plain_id(text: str) -> str:
    """Return what all ways to write an id have in common; an id without a UUID stays as it is."""
    return _uuid_in(text) or text


def contradicts(asked: str, came: str | None) -> bool:
    """Tell whether an id is certainly another one than was asked for.

    Ids are compared by the UUIDs in them. Where only one of them holds a UUID, nothing is known.
    """
    if came is None:
        return False
    asked_uuid, came_uuid = _uuid_in(asked), _uuid_in(came)
    if asked_uuid is None and came_uuid is None:
        return asked != came
    return None not in {asked_uuid, came_uuid} and asked_uuid != came_uuid


def _uuid_in(text: str) -> str | None:
    found = _UUID.search(text)
    return found.group().replace("-", "").lower() if found else None
