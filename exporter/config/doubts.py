"""Valid settings that are probably mistakes: they are logged as warnings."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.config.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.config.project import Project

# Names that no public DNS server resolves, or only inside one network.
_PRIVATE_SUFFIXES = (
    *(".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".svc"),
    *(".test", ".invalid", ".corp", ".home"),
)


def doubts_about(projects: Sequence[Project]) -> tuple[str, ...]:
    """Return one sentence for each probable mistake, which says what to write instead."""
    return (*_keys_in_clear(projects), *_read_twice(projects))


def _keys_in_clear(projects: Sequence[Project]) -> Iterator[str]:
    for url in dict.fromkeys(project.base_url for project in projects):
        parts = urlsplit(url)
        if parts.scheme == "http" and _is_public(parts.hostname or ""):
            yield (
                f"base URL {shown(url)} sends API keys unencrypted;"
                f" write {shown('https' + url.removeprefix('http'))}."
            )


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.rstrip(".").endswith(_PRIVATE_SUFFIXES)


def _read_twice(projects: Sequence[Project]) -> Iterator[str]:
    first: dict[tuple[object, ...], Project] = {}
    for project in projects:
        what_is_read = (
            project.base_url.lower(),
            # The id of a key's default project is not known.
            project.project_id or ("default of", project.key.value),
            *(frozenset(project.directory_ids), frozenset(project.job_types)),
            frozenset(project.api_versions),
        )
        other = first.setdefault(what_is_read, project)
        if other is not project:
            yield (
                f"projects {shown(other.name)} and {shown(project.name)} are one project, read and"
                " counted twice; remove one, or separate them by directory_ids, job_types or"
                " api_versions."
            )
