"""Comparing ids of projects and directories, which LlamaCloud writes with or without a prefix."""

from __future__ import annotations

import re

# ``7c1d...``, ``proj-7c1d...`` and ``prj-7c1d...`` are one project.
_UUID = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])",
    re.ASCII | re.IGNORECASE,
)


def bare_id(text: str) -> str:
    """Return the UUID in an id, or the id itself if it has none."""
    found = _UUID.search(text)
    return found.group() if found else text


def plain_id(text: str) -> str:
    """Return the UUID in an id in its plain form, or the id itself if it has none."""
    return _uuid_in(text) or text


def contradicts(requested: str, received: str | None) -> bool:
    """Return whether an id certainly differs from the one that was requested.

    Ids are compared by the UUIDs in them. If only one of them holds a UUID, they may be the same.
    """
    if received is None:
        return False
    requested_uuid, received_uuid = _uuid_in(requested), _uuid_in(received)
    if requested_uuid is None and received_uuid is None:
        return requested != received
    return None not in {requested_uuid, received_uuid} and requested_uuid != received_uuid


def _uuid_in(text: str) -> str | None:
    found = _UUID.search(text)
    return found.group().replace("-", "").lower() if found else None
